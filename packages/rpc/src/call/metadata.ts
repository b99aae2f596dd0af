/** Text, or bytes if the key ends in `-bin`. */
export type MetadataValue = string | Uint8Array;

type Entry = readonly [key: string, value: MetadataValue];

/** A source of entries: metadata as a transport holds it, or other metadata. Keys are in lower case. */
export interface MetadataSource {
  getAll(key: string): readonly MetadataValue[];
  forEach(visit: (key: string, value: MetadataValue) => void): void;
}

/** The entries of new metadata: pairs, a plain object, or other metadata. */
export type MetadataInit = Iterable<readonly [string, MetadataValue]> | Readonly<Record<string, MetadataValue>>;

/** The size that fits into a header block of every peer, with a status and its details. */
const MAX_BYTES = 16 * 1024;
/**
 * What an entry counts in addition to its key and value. Source: https://www.rfc-editor.org/rfc/rfc9113#section-6.5.2
 */
const ENTRY_BYTES = 32;
/** Node's HTTP/2 takes 128 headers. The difference is left for gRPC, proxies and Rondo itself. */
const MAX_ENTRIES = 100;
const NO_VALUES: readonly never[] = [];

/**
 * The metadata of a call. Keys are case-insensitive; each has one or more values, in the order in which they were
 * added.
 *
 * Keys that end in `-bin` hold bytes. All others hold printable ASCII without a space at either end. Keys that belong
 * to the protocol (`grpc-…`) or to HTTP, such as `connection` and `content-type`, are refused. Over a connection,
 * several texts under one key arrive as one, joined by ", ", as HTTP joins lines; bytes stay separate. Keys to which
 * HTTP gives one value, such as `authorization`, take one. All entries together are at most 100 and 16 KiB.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class Metadata implements Iterable<readonly [string, MetadataValue]> {
  /** Keys are in lower case. There are few entries, so searching them is cheaper than making a map. */
  #entries: Entry[] = [];
  #source: MetadataSource | undefined;
  /** Whether some entries came from a peer and haven't been checked. */
  #unchecked = false;

  constructor(init?: MetadataInit) {
    if (init === undefined) return;
    const pairs = Symbol.iterator in init ? (init as Iterable<readonly [string, MetadataValue]>) : Object.entries(init);
    for (const [key, value] of pairs) this.append(key, value);
  }

  /**
   * Metadata that starts with the entries of `source`, without the reserved keys, so that they aren't passed on.
   * Received entries are otherwise not checked, and copied only when they are first changed or counted, which is rare.
   */
  static over(source: MetadataSource): Metadata {
    const metadata = new Metadata();
    metadata.#source = source;
    metadata.#unchecked = !(source instanceof Metadata) || source.#unchecked;
    return metadata;
  }

  /** The first text under `key`; undefined if there is none or it is bytes. */
  get(key: string): string | undefined {
    const value = this.#first(key);
    return typeof value === 'string' ? value : undefined;
  }

  /** The first bytes under `key`, which ends in `-bin`; undefined if there are none. */
  getBytes(key: string): Uint8Array | undefined {
    const value = this.#first(key);
    return value instanceof Uint8Array ? value : undefined;
  }

  /** All values under `key`, in the order in which they were added. */
  getAll(key: string): readonly MetadataValue[] {
    const name = key.toLowerCase();
    if (this.#source !== undefined) return isReserved(name) ? NO_VALUES : this.#source.getAll(name);
    return this.#entries.filter((entry) => entry[0] === name).map((entry) => entry[1]);
  }

  has(key: string): boolean {
    return this.#first(key) !== undefined;
  }

  /**
   * Adds a value under `key`.
   *
   * @throws TypeError that names the key and the reason, if metadata can't carry the key or the value, or is full.
   */
  append(key: string, value: MetadataValue): void {
    const name = checkedKey(key, value);
    this.#admit(name, value);
  }

  /**
   * Adds all entries of `other`, whether they were received or created here. Throws as {@link Metadata.append} does.
   */
  appendAll(other: Metadata): void {
    const unchecked = other.#unchecked;
    other.forEach((key, value) => {
      if (unchecked) this.append(key, value);
      else this.#admit(key, value);
    });
  }

  /** Adds received entries, as {@link Metadata.over} does. A stream's trailer needs it, because it arrives last. */
  receive(source: MetadataSource): void {
    this.#unchecked ||= !(source instanceof Metadata) || source.#unchecked;
    if (this.#source === undefined && this.#entries.length === 0) this.#source = source;
    else {
      this.#own();
      forEachOf(source, (key, value) => this.#entries.push([key, value]));
    }
  }

  /**
   * @throws TypeError that names the key and the reason, if an entry can't be sent. Received entries may be invalid.
   */
  checkSendable(): void {
    if (this.#unchecked) new Metadata().appendAll(this);
  }

  /** Replaces all values under `key` by one. Throws as {@link Metadata.append} does. */
  set(key: string, value: MetadataValue): void {
    const name = checkedKey(key, value);
    this.delete(name);
    this.#admit(name, value);
  }

  delete(key: string): void {
    const name = key.toLowerCase();
    this.#own();
    this.#entries = this.#entries.filter((entry) => entry[0] !== name);
  }

  /** Whether it has no entry at all. It is cheaper than `size`. */
  get isEmpty(): boolean {
    return this.#source === undefined && this.#entries.length === 0;
  }

  /** The number of keys. */
  get size(): number {
    this.#own();
    return new Set(this.#entries.map(([key]) => key)).size;
  }

  /** An independent copy. */
  clone(): Metadata {
    const copy = new Metadata();
    copy.#unchecked = this.#unchecked;
    copy.#source = this.#source;
    copy.#entries = [...this.#entries];
    return copy;
  }

  /** Calls `visit` with each entry. It is cheaper than iterating. */
  forEach(visit: (key: string, value: MetadataValue) => void): void {
    if (this.#source !== undefined) {
      forEachOf(this.#source, visit);
      return;
    }
    for (const entry of this.#entries) visit(entry[0], entry[1]);
  }

  *[Symbol.iterator](): Iterator<readonly [string, MetadataValue]> {
    this.#own();
    yield* this.#entries;
  }

  #first(key: string): MetadataValue | undefined {
    const name = key.toLowerCase();
    if (this.#source !== undefined) return isReserved(name) ? undefined : this.#source.getAll(name)[0];
    for (const entry of this.#entries) if (entry[0] === name) return entry[1];
    return undefined;
  }

  /** Copies received entries, so that they can be changed and counted. */
  #own(): void {
    const source = this.#source;
    if (source === undefined) return;
    this.#source = undefined;
    forEachOf(source, (key, value) => this.#entries.push([key, value]));
  }

  /** Adds an entry whose key and value are valid, if there is room for it. */
  #admit(name: string, value: MetadataValue): void {
    this.#own();
    if (SINGLE.has(name) && this.#first(name) !== undefined) {
      throw new TypeError(`metadata key "${name}": HTTP gives it one value; set() replaces the one that is there`);
    }
    if (this.#entries.length >= MAX_ENTRIES) {
      throw new TypeError(`metadata key "${name}": ${MAX_ENTRIES} entries are the most; send the rest in the message`);
    }
    let sizeBytes = sizeOf(name, value);
    for (const entry of this.#entries) sizeBytes += sizeOf(entry[0], entry[1]);
    if (sizeBytes > MAX_BYTES) {
      const limit = `${MAX_BYTES} bytes are the most that all entries can take`;
      throw new TypeError(
        `metadata key "${name}": ${limit}, and with it they take ${sizeBytes}; send the rest in the message`,
      );
    }
    this.#entries.push([name, value]);
  }
}

function forEachOf(source: MetadataSource, visit: (key: string, value: MetadataValue) => void): void {
  source.forEach((key, value) => {
    if (!isReserved(key)) visit(key, value);
  });
}

/** The size of an entry in a header block. Bytes travel as base64. */
function sizeOf(key: string, value: MetadataValue): number {
  const valueBytes = typeof value === 'string' ? value.length : Math.ceil(value.length / 3) * 4;
  return key.length + valueBytes + ENTRY_BYTES;
}

/** The trailing metadata key by which a Rondo server proves that no handler ran; see `transport/router-error.ts`. */
export const NOT_HANDLED = 'rondo-not-handled';

/** The request's metadata key of the assertion on whose behalf a process calls; see `principal/signer.ts`. */
export const PRINCIPAL = 'rondo-principal';

const BASE64 = /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}(?:==)?|[A-Za-z0-9+/_-]{3}=?)?$/;

/** Whether a header's value of a key that ends in `-bin` is base64, in either alphabet, with or without padding; several have commas. */
export const isBase64 = (value: string): boolean => value.split(',').every((part) => BASE64.test(part.trim()));

const PROTOCOL = 'grpc-';
const OF_PROTOCOL = 'keys that begin with "grpc-" belong to the protocol';
const OF_HTTP = 'the key belongs to HTTP, and would break the call or its connection; choose another';

/** Keys that neither a caller nor a handler may set, each with the reason. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  // Source: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2
  ['connection', OF_HTTP],
  ['http2-settings', OF_HTTP],
  ['keep-alive', OF_HTTP],
  ['proxy-connection', OF_HTTP],
  ['te', OF_HTTP],
  ['transfer-encoding', OF_HTTP],
  ['upgrade', OF_HTTP],
  // gRPC itself sets these: they say how a message is framed or where it goes.
  ['content-length', OF_HTTP],
  ['content-type', OF_HTTP],
  ['host', OF_HTTP],
  ['trailer', OF_HTTP],
  [NOT_HANDLED, "the key belongs to Rondo's servers, which prove by it that no handler ran"],
  [
    PRINCIPAL,
    "the key belongs to Rondo's clients, which say by it on whose behalf they call; give the option principal",
  ],
  ['__proto__', 'JavaScript objects lose the key; choose another'],
]);

/** Keys that a message may have once. Node refuses to send two, and the client's connection ends because of it. */
const SINGLE: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-location',
  'content-md5',
  'content-range',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
]);

const KEY = /^[0-9a-z_.-]+$/;
const TEXT = /^[\x20-\x7e]*$/;

/** Whether `key`, in lower case, is reserved: neither a caller nor a handler may set it. */
function isReserved(key: string): boolean {
  return key.startsWith(PROTOCOL) || RESERVED.has(key);
}

/** Whether a received entry is one that HTTP could have carried. Its key may be reserved. */
export function isWellFormed(key: string, value: MetadataValue): boolean {
  return KEY.test(key) && (typeof value !== 'string' || TEXT.test(value));
}

/**
 * Returns `key` in lower case.
 *
 * @throws TypeError that says why, if metadata can't have the key, or the key this value.
 */
function checkedKey(key: string, value: MetadataValue): string {
  const name = key.toLowerCase();
  if (!KEY.test(name)) {
    throw new TypeError(`metadata key "${key}": only letters, digits and "_ . -" can stand in a key`);
  }
  const reason = name.startsWith(PROTOCOL) ? OF_PROTOCOL : RESERVED.get(name);
  if (reason !== undefined) throw new TypeError(`metadata key "${key}": ${reason}`);
  const isBinary = name.endsWith('-bin');
  if (isBinary ? !(value instanceof Uint8Array) : typeof value !== 'string') {
    throw new TypeError(`metadata key "${name}": needs ${isBinary ? 'bytes' : 'text; bytes go under a "-bin" key'}`);
  }
  if (typeof value !== 'string') return name;
  if (!TEXT.test(value)) {
    throw new TypeError(`metadata key "${name}": text must be printable ASCII; anything else goes under a "-bin" key`);
  }
  if (value.startsWith(' ') || value.endsWith(' ')) {
    throw new TypeError(`metadata key "${name}": text can't begin or end with a space, as HTTP would lose it; trim it`);
  }
  return name;
}
