/** Protobuf's wire types. Source: https://protobuf.dev/programming-guides/encoding/ */
const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** The tag of a field that is a number or a truth value. */
export const numberTag = (field: number): number => (field << 3) | VARINT;
/** The tag of a field that is bytes, text or a message. */
export const bytesTag = (field: number): number => (field << 3) | LENGTH_DELIMITED;

/** The bytes that a whole number below 2^32 takes. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** The bytes that a field of `length` bytes takes whose tag is one byte. */
export const fieldBytes = (length: number): number => 1 + varintBytes(length) + length;

/** The kind of a frame, and the length of its body. */
const PREFIX_BYTES = 5;

/** Writes frames of protobuf fields whose tags are one byte, into a buffer that grows. */
export class FieldWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  /** The number of bytes written. */
  get length(): number {
    return this.#length;
  }

  /** Returns the written bytes, and begins anew. */
  take(capacity: number): Buffer {
    const written = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(capacity);
    this.#length = 0;
    return written;
  }

  /** Begins a frame: makes room for its body, and writes its kind and the body's length. */
  prefix(kind: number, bodyBytes: number): void {
    this.#reserve(PREFIX_BYTES + bodyBytes);
    const buffer = this.#buffer;
    const at = this.#length;
    buffer[at] = kind;
    buffer[at + 1] = bodyBytes >>> 24;
    buffer[at + 2] = bodyBytes >>> 16;
    buffer[at + 3] = bodyBytes >>> 8;
    buffer[at + 4] = bodyBytes;
    this.#length = at + PREFIX_BYTES;
  }

  /** Bytes that are no field. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  /** A field of the body, for which {@link prefix} has made room: a number below 2^32. */
  number(tag: number, value: number): void {
    this.#buffer[this.#length] = tag;
    this.#length += 1;
    this.#varint(value);
  }

  bytes(tag: number, value: Uint8Array): void {
    this.number(tag, value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** ASCII text. */
  ascii(tag: number, value: string): void {
    this.number(tag, value.length);
    this.#length += this.#buffer.write(value, this.#length, 'latin1');
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#length] = (rest & 0x7f) | 0x80;
      this.#length += 1;
      rest >>>= 7;
    }
    this.#buffer[this.#length] = rest;
    this.#length += 1;
  }
}

/** Frames that can't be read: the peer doesn't keep to the contract. */
export class FrameError extends Error {}

/** The most memory that a field may keep: that of Node's pool of short buffers. */
const MAX_KEPT_BYTES = Buffer.poolSize;

/** Bytes that are kept: copied if they would keep much more than themselves. */
export function toKeep(bytes: Buffer): Buffer {
  const { byteLength } = bytes.buffer;
  return byteLength > MAX_KEPT_BYTES && byteLength > 4 * bytes.length ? Buffer.from(bytes) : bytes;
}

/** Reads protobuf fields. @throws FrameError if the bytes are no protobuf. */
export class FieldReader {
  readonly #buffer: Buffer;
  #position: number;
  #end: number;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
    this.#position = 0;
    this.#end = buffer.length;
  }

  /** Whether the message, or the one that was entered, has no more fields. */
  get atEnd(): boolean {
    return this.#position >= this.#end;
  }

  /** The tag of the next field; 0 at the end of the message. */
  tag(): number {
    if (this.atEnd) return 0;
    const tag = this.number();
    if (tag >>> 3 === 0) throw new FrameError('a field has the number 0');
    return tag;
  }

  /** A number below 2^32; bits beyond are dropped, as protobuf does. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new FrameError('a number is longer than ten bytes');
  }

  /** The bytes of a field: the reader's own, not a copy. */
  bytes(): Buffer {
    const start = this.#lengthDelimited();
    return this.#buffer.subarray(start, this.#position);
  }

  /** Like {@link bytes}, for what is kept. */
  kept(): Buffer {
    return toKeep(this.bytes());
  }

  ascii(): string {
    const start = this.#lengthDelimited();
    return this.#buffer.toString('latin1', start, this.#position);
  }

  utf8(): string {
    const start = this.#lengthDelimited();
    return this.#buffer.toString('utf8', start, this.#position);
  }

  /** Begins to read the message in a field. The result is for {@link leave}. */
  enter(): number {
    const length = this.number();
    const outer = this.#end;
    if (length > outer - this.#position) throw truncated();
    this.#end = this.#position + length;
    return outer;
  }

  /** Ends the message that was entered. */
  leave(outer: number): void {
    this.#end = outer;
  }

  /** Passes over a field that isn't known. */
  skip(tag: number): void {
    const type = tag & 7;
    if (type === VARINT) this.number();
    else if (type === LENGTH_DELIMITED) this.#lengthDelimited();
    else if (type === FIXED_32) this.#advance(4);
    else if (type === FIXED_64) this.#advance(8);
    else throw new FrameError(`a field has the wire type ${type}`);
  }

  #byte(): number {
    const byte = this.atEnd ? undefined : this.#buffer[this.#position];
    if (byte === undefined) throw truncated();
    this.#position += 1;
    return byte;
  }

  #lengthDelimited(): number {
    const length = this.number();
    const start = this.#position;
    this.#advance(length);
    return start;
  }

  #advance(bytes: number): void {
    if (bytes > this.#end - this.#position) throw truncated();
    this.#position += bytes;
  }
}

function truncated(): FrameError {
  return new FrameError('a message ends in the middle of a field');
}
