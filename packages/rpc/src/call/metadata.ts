/** Text, or bytes under a key that ends in `-bin`. */
export type MetadataValue = string | Uint8Array;

/** What metadata can be read from: what a transport holds, or other metadata. Keys are in lower case. */
export interface MetadataSource {
  getAll(key: string): readonly MetadataValue[];
  forEach(visit: (key: string, value: MetadataValue) => void): void;
}

/** What metadata can be made from: pairs, a plain object, or other metadata. */
export type MetadataInit = Iterable<readonly [string, MetadataValue]> | Readonly<Record<string, MetadataValue>>;

/** What fits into a header block of any peer, beside a status and its details. */
const MAX_BYTES = 16 * 1024;
/** What an entry counts beside its key and value. Source: https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2 */
const ENTRY_BYTES = 32;
const PROTOCOL = 'grpc-';
const NO_VALUES: readonly never[] = [];
const KEY = /^[0-9a-z_.-]+$/;
const TEXT = /^[\x20-\x7e]*$/;

/**
 * The metadata of a call: keys without case, each with one or more values, in the order they were added.
 *
 * Keys that end in `-bin` hold bytes, all others printable ASCII. Keys that begin with `grpc-` belong to the protocol
 * and are refused. Over a connection texts under one key arrive as one, joined by ", ", as HTTP joins lines; bytes
 * stay apart. All of it together is at most 16 KiB. Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class Metadata implements Iterable<readonly [string, MetadataValue]> {
  #present: Map<string, MetadataValue[]> | undefined;
  #source: MetadataSource | undefined;
  #sizeBytes = 0;

  constructor(init?: MetadataInit) {
    if (init === undefined) return;
    const pairs = Symbol.iterator in init ? (init as Iterable<readonly [string, MetadataValue]>) : Object.entries(init);
    for (const [key, value] of pairs) this.append(key, value);
  }

  /**
   * Metadata that begins as `source` has it, without the protocol's own keys. What came over the wire is taken as it
   * is, and copied where it is first changed or counted: most of it never is.
   */
  static over(source: MetadataSource): Metadata {
    const metadata = new Metadata();
    metadata.#source = source;
    return metadata;
  }

  /** The first text under `key`; undefined where there is none, or bytes. */
  get(key: string): string | undefined {
    const value = this.getAll(key)[0];
    return typeof value === 'string' ? value : undefined;
  }

  /** The first bytes under `key`, which ends in `-bin`; undefined where there are none. */
  getBytes(key: string): Uint8Array | undefined {
    const value = this.getAll(key)[0];
    return value instanceof Uint8Array ? value : undefined;
  }

  /** All values under `key`, in the order they were added. */
  getAll(key: string): readonly MetadataValue[] {
    const name = key.toLowerCase();
    if (this.#source === undefined) return this.#present?.get(name) ?? NO_VALUES;
    return name.startsWith(PROTOCOL) ? NO_VALUES : this.#source.getAll(name);
  }

  has(key: string): boolean {
    return this.getAll(key).length > 0;
  }

  /**
   * Adds a value under `key`.
   *
   * @throws TypeError where the key or the value is none that metadata can carry; it says which and why.
   */
  append(key: string, value: MetadataValue): void {
    const name = checkedKey(key);
    checkValue(name, value);
    this.#own();
    if (this.#sizeBytes + sizeOf(name, value) > MAX_BYTES) {
      throw new TypeError(`metadata key "${key}": ${MAX_BYTES} bytes are the most that all entries can take`);
    }
    this.#add(name, value);
  }

  /** Adds all entries of `other` as they stand, were they received or made here. */
  appendAll(other: Metadata): void {
    other.forEach((key, value) => {
      this.#add(key, value);
    });
  }

  /** Puts a value under `key` in place of all others there. Throws as {@link Metadata.append} does. */
  set(key: string, value: MetadataValue): void {
    checkValue(checkedKey(key), value);
    this.delete(key);
    this.append(key, value);
  }

  delete(key: string): void {
    const name = key.toLowerCase();
    const entries = this.#own();
    for (const value of entries.get(name) ?? []) this.#sizeBytes -= sizeOf(name, value);
    entries.delete(name);
  }

  /** How many keys there are. */
  get size(): number {
    return this.#source === undefined ? (this.#present?.size ?? 0) : this.#own().size;
  }

  /** A copy; changes of one don't reach the other. */
  clone(): Metadata {
    const copy = new Metadata();
    if (this.#source === undefined) copy.appendAll(this);
    else copy.#source = this.#source;
    return copy;
  }

  /** Calls `visit` with each entry: what iterating does, for less. */
  forEach(visit: (key: string, value: MetadataValue) => void): void {
    if (this.#source !== undefined) {
      forEachOf(this.#source, visit);
      return;
    }
    for (const [key, values] of this.#present ?? []) {
      for (const value of values) visit(key, value);
    }
  }

  *[Symbol.iterator](): Iterator<readonly [string, MetadataValue]> {
    for (const [key, values] of this.#own()) {
      for (const value of values) yield [key, value];
    }
  }

  /** The entries as its own, to change or count. */
  #own(): Map<string, MetadataValue[]> {
    this.#present ??= new Map();
    const source = this.#source;
    this.#source = undefined;
    if (source !== undefined) forEachOf(source, (key, value) => this.#add(key, value));
    return this.#present;
  }

  #add(name: string, value: MetadataValue): void {
    const entries = this.#own();
    const present = entries.get(name);
    if (present === undefined) entries.set(name, [value]);
    else present.push(value);
    this.#sizeBytes += sizeOf(name, value);
  }
}

function forEachOf(source: MetadataSource, visit: (key: string, value: MetadataValue) => void): void {
  source.forEach((key, value) => {
    if (!key.startsWith(PROTOCOL)) visit(key, value);
  });
}

/** What an entry takes in a header block; bytes travel as base64. */
function sizeOf(key: string, value: MetadataValue): number {
  const valueBytes = typeof value === 'string' ? value.length : Math.ceil(value.length / 3) * 4;
  return key.length + valueBytes + ENTRY_BYTES;
}

function checkedKey(key: string): string {
  const name = key.toLowerCase();
  if (!KEY.test(name)) {
    throw new TypeError(`metadata key "${key}": only letters, digits and "_ . -" can stand in a key`);
  }
  if (name.startsWith(PROTOCOL)) {
    throw new TypeError(`metadata key "${key}": keys that begin with "grpc-" belong to the protocol`);
  }
  return name;
}

function checkValue(key: string, value: MetadataValue): void {
  const binary = key.endsWith('-bin');
  if (binary ? !(value instanceof Uint8Array) : typeof value !== 'string') {
    throw new TypeError(`metadata key "${key}": ${binary ? 'needs bytes' : 'needs text; bytes go under a "-bin" key'}`);
  }
  if (typeof value === 'string' && !TEXT.test(value)) {
    throw new TypeError(`metadata key "${key}": text must be printable ASCII; anything else goes under a "-bin" key`);
  }
}
