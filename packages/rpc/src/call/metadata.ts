import { checkedKey, checkValue, isReserved, isSingle } from './metadata-rules.js';

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
/** Node's HTTP/2 takes 128 headers; the others are for what gRPC, proxies and Rondo itself add. */
const MAX_ENTRIES = 100;
const NO_VALUES: readonly never[] = [];

/**
 * The metadata of a call: keys without case, each with one or more values, in the order they were added.
 *
 * Keys that end in `-bin` hold bytes, all others printable ASCII without a space at either end. Keys that begin with
 * `grpc-` belong to the protocol, some others to HTTP, such as `connection` and `content-type`: they are refused. Over a
 * connection texts under one key arrive as one, joined by ", ", as HTTP joins lines; bytes stay apart. Keys to which HTTP
 * gives one value, such as `authorization`, take one. All of it together is at most 100 entries and 16 KiB.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class Metadata implements Iterable<readonly [string, MetadataValue]> {
  #present: Map<string, MetadataValue[]> | undefined;
  #source: MetadataSource | undefined;
  /** Whether some of it is as a peer made it. */
  #unchecked = false;
  #sizeBytes = 0;
  #entries = 0;

  constructor(init?: MetadataInit) {
    if (init === undefined) return;
    const pairs = Symbol.iterator in init ? (init as Iterable<readonly [string, MetadataValue]>) : Object.entries(init);
    for (const [key, value] of pairs) this.append(key, value);
  }

  /**
   * Metadata that begins as `source` has it, without the keys that it refuses: what is passed on leaves them out. What
   * came over the wire is otherwise taken as it is, and copied when it is first changed or counted: most of it never is.
   */
  static over(source: MetadataSource): Metadata {
    const metadata = new Metadata();
    metadata.receive(source);
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
    return isReserved(name) ? NO_VALUES : this.#source.getAll(name);
  }

  has(key: string): boolean {
    return this.getAll(key).length > 0;
  }

  /**
   * Adds a value under `key`.
   *
   * @throws TypeError if metadata can't carry the key or the value, or no more of them; it names the key and says why.
   */
  append(key: string, value: MetadataValue): void {
    const name = checkedKey(key);
    checkValue(name, value);
    this.#admit(name, value);
  }

  /** Adds all entries of `other`, be they received or made here. Throws as {@link Metadata.append} does. */
  appendAll(other: Metadata): void {
    const unchecked = other.#unchecked;
    other.forEach((key, value) => {
      if (unchecked) this.append(key, value);
      else this.#admit(key, value);
    });
  }

  /** Adds what came over the wire, as {@link Metadata.over} takes it: for the trailer of a stream, which comes last. */
  receive(source: MetadataSource): void {
    this.#unchecked ||= !(source instanceof Metadata) || source.#unchecked;
    if (this.#source === undefined && this.#entries === 0) this.#source = source;
    else forEachOf(source, (key, value) => this.#add(key, value));
  }

  /** @throws TypeError if it can't be sent: what was received is as a peer made it. It names the key and says why. */
  checkSendable(): void {
    if (this.#unchecked) new Metadata().appendAll(this);
  }

  /** Puts a value under `key` in place of all others there. Throws as {@link Metadata.append} does. */
  set(key: string, value: MetadataValue): void {
    const name = checkedKey(key);
    checkValue(name, value);
    this.delete(name);
    this.#admit(name, value);
  }

  delete(key: string): void {
    const name = key.toLowerCase();
    const entries = this.#own();
    for (const value of entries.get(name) ?? []) {
      this.#sizeBytes -= sizeOf(name, value);
      this.#entries -= 1;
    }
    entries.delete(name);
  }

  /** How many keys there are. */
  get size(): number {
    return this.#source === undefined ? (this.#present?.size ?? 0) : this.#own().size;
  }

  /** A copy; changes of one don't reach the other. */
  clone(): Metadata {
    const copy = new Metadata();
    copy.#unchecked = this.#unchecked;
    if (this.#source !== undefined) {
      copy.#source = this.#source;
      return copy;
    }
    this.forEach((key, value) => {
      copy.#add(key, value);
    });
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

  /** Adds an entry that is one by itself, if there is room for it. */
  #admit(name: string, value: MetadataValue): void {
    const present = this.#own().get(name);
    if (present !== undefined && isSingle(name)) {
      throw new TypeError(`metadata key "${name}": HTTP gives it one value; set() replaces the one that is there`);
    }
    if (this.#entries >= MAX_ENTRIES) {
      throw new TypeError(`metadata key "${name}": ${MAX_ENTRIES} entries are the most; send the rest in the message`);
    }
    const sizeBytes = this.#sizeBytes + sizeOf(name, value);
    if (sizeBytes > MAX_BYTES) {
      const limit = `${MAX_BYTES} bytes are the most that all entries can take`;
      throw new TypeError(
        `metadata key "${name}": ${limit}, and with it they take ${sizeBytes}; send the rest in the message`,
      );
    }
    this.#add(name, value);
  }

  #add(name: string, value: MetadataValue): void {
    const entries = this.#own();
    const present = entries.get(name);
    if (present === undefined) entries.set(name, [value]);
    else present.push(value);
    this.#sizeBytes += sizeOf(name, value);
    this.#entries += 1;
  }
}

function forEachOf(source: MetadataSource, visit: (key: string, value: MetadataValue) => void): void {
  source.forEach((key, value) => {
    if (!isReserved(key)) visit(key, value);
  });
}

/** What an entry takes in a header block; bytes travel as base64. */
function sizeOf(key: string, value: MetadataValue): number {
  const valueBytes = typeof value === 'string' ? value.length : Math.ceil(value.length / 3) * 4;
  return key.length + valueBytes + ENTRY_BYTES;
}
