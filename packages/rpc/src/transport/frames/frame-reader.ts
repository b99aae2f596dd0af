import { isWellFormed, Metadata } from '../../call/metadata.js';
import { ReceivedEntries } from '../received-entries.js';
import {
  ABOUT,
  CALL,
  type CallFrame,
  END,
  ENTRY,
  type EndFrame,
  FAILURE,
  type FailureFrame,
  FrameError,
  HEADER,
  type HeaderFrame,
  MESSAGE,
  type MessageFrame,
  WIRE,
} from './frames.js';

const NO_BYTES = Buffer.alloc(0);

/** Reads the body of a frame that comes once a connection, by generated code. */
export function readRare<T>(type: { decode(bytes: Uint8Array): T }, body: Buffer): T {
  try {
    return type.decode(body);
  } catch (cause) {
    throw new FrameError('a frame is not of its type', { cause });
  }
}

/** Reads the body of a `call` frame. @throws FrameError if it is none, as the functions below. */
export function readCall(body: Buffer): CallFrame {
  const fields = new FieldReader(body);
  let id = 0;
  let method = 0;
  let path = '';
  let timeoutMs: number | undefined;
  let previousAttempts: number | undefined;
  let principal = 0;
  let assertion: string | undefined;
  let entries: ReceivedEntries | undefined;
  let message: Uint8Array | undefined;
  let compressed = false;
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    switch (tag) {
      case CALL.id:
        id = fields.number();
        break;
      case CALL.method:
        method = fields.number();
        break;
      case CALL.path:
        path = fields.ascii();
        break;
      case CALL.timeoutMs:
        timeoutMs = fields.number();
        break;
      case CALL.metadata:
        entries ??= new ReceivedEntries();
        readEntry(fields, entries);
        break;
      case CALL.message:
        message = toKeep(fields.bytes());
        break;
      case CALL.compressed:
        compressed = fields.number() !== 0;
        break;
      case CALL.previousAttempts:
        previousAttempts = fields.number();
        break;
      case CALL.principal:
        principal = fields.number();
        break;
      case CALL.assertion:
        assertion = fields.ascii();
        break;
      default:
        fields.skip(tag);
    }
  }
  const metadata = entries === undefined ? new Metadata() : Metadata.over(entries);
  return { id, method, path, timeoutMs, previousAttempts, metadata, message, compressed, principal, assertion };
}

/** Reads the body of a `message` frame. Its data is a part of the body. */
export function readMessage(body: Buffer): MessageFrame {
  const fields = new FieldReader(body);
  let id = 0;
  let data: Buffer = NO_BYTES;
  let more = false;
  let totalBytes = 0;
  let compressed = false;
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    if (tag === MESSAGE.id) id = fields.number();
    else if (tag === MESSAGE.data) data = fields.bytes();
    else if (tag === MESSAGE.more) more = fields.number() !== 0;
    else if (tag === MESSAGE.totalBytes) totalBytes = fields.number();
    else if (tag === MESSAGE.compressed) compressed = fields.number() !== 0;
    else fields.skip(tag);
  }
  return { id, data, more, totalBytes, compressed };
}

/** Reads the body of a `header` frame. */
export function readHeader(body: Buffer): HeaderFrame {
  const fields = new FieldReader(body);
  let id = 0;
  let entries: ReceivedEntries | undefined;
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    if (tag === HEADER.id) id = fields.number();
    else if (tag === HEADER.metadata) {
      entries ??= new ReceivedEntries();
      readEntry(fields, entries);
    } else fields.skip(tag);
  }
  return { id, metadata: entries && Metadata.over(entries) };
}

/** Reads the body of an `end` frame. */
export function readEnd(body: Buffer): EndFrame {
  const fields = new FieldReader(body);
  let id = 0;
  let message: Uint8Array | undefined;
  let header: ReceivedEntries | undefined;
  let trailer: ReceivedEntries | undefined;
  let failure: FailureFrame | undefined;
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    switch (tag) {
      case END.id:
        id = fields.number();
        break;
      case END.message:
        message = toKeep(fields.bytes());
        break;
      case END.header:
        header ??= new ReceivedEntries();
        readEntry(fields, header);
        break;
      case END.trailer:
        trailer ??= new ReceivedEntries();
        readEntry(fields, trailer);
        break;
      case END.failure:
        failure = readFailure(fields);
        break;
      default:
        fields.skip(tag);
    }
  }
  return { id, message, header: header && Metadata.over(header), trailer: trailer && Metadata.over(trailer), failure };
}

/** Reads the body of a frame about one call, or of `credit`. */
export function readAbout(body: Buffer): { readonly id: number; readonly bytes: number } {
  const fields = new FieldReader(body);
  let id = 0;
  let bytes = 0;
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    if (tag === ABOUT.id) id = fields.number();
    else if (tag === ABOUT.bytes) bytes = fields.number();
    else fields.skip(tag);
  }
  return { id, bytes };
}

/** The most metadata entries of a call or reply, the most bytes of each, and of all together, as over HTTP/2. */
const MAX_ENTRIES = 128;
const MAX_ENTRY_BYTES = 16 * 1_024;
const MAX_METADATA_BYTES = 64 * 1_024;

function readEntry(fields: FieldReader, entries: ReceivedEntries): void {
  let key = '';
  let value: Buffer = NO_BYTES;
  const outer = fields.enter();
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    if (tag === ENTRY.key) key = fields.ascii();
    else if (tag === ENTRY.value) value = fields.bytes();
    else fields.skip(tag);
  }
  fields.leave(outer);
  if (entries.size >= MAX_ENTRIES) throw new FrameError(`metadata has at most ${MAX_ENTRIES} entries`);
  if (key.length + value.length > MAX_ENTRY_BYTES) {
    throw new FrameError(`an entry of metadata has at most ${MAX_ENTRY_BYTES} bytes`);
  }
  if (entries.sizeBytes + key.length + value.length > MAX_METADATA_BYTES) {
    throw new FrameError(`metadata has at most ${MAX_METADATA_BYTES} bytes`);
  }
  const received = key.endsWith('-bin') ? Buffer.from(value) : value.toString('latin1');
  if (!isWellFormed(key, received)) throw new FrameError(`metadata can't have the entry "${key}"`);
  entries.add(key, received);
}

function readFailure(fields: FieldReader): FailureFrame {
  let code = 0;
  let message = '';
  let details: Uint8Array | undefined;
  let notHandled: string | undefined;
  let retryPushback: string | undefined;
  const outer = fields.enter();
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    if (tag === FAILURE.code) code = fields.number();
    else if (tag === FAILURE.message) message = fields.utf8();
    else if (tag === FAILURE.details) details = fields.bytes();
    else if (tag === FAILURE.notHandled) notHandled = fields.ascii();
    else if (tag === FAILURE.retryPushback) retryPushback = fields.ascii();
    else fields.skip(tag);
  }
  fields.leave(outer);
  return { code, message, details, notHandled, retryPushback };
}

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

  /** The tag of the next field; 0 at the end of the message. */
  tag(): number {
    if (this.#position >= this.#end) return 0;
    const tag = this.number();
    if (tag >>> 3 === 0) throw new FrameError('a field has the number 0');
    return tag;
  }

  /** A number below 2^32; bits beyond are dropped, as protobuf does. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#position < this.#end ? this.#buffer[this.#position] : undefined;
      if (byte === undefined) throw truncated();
      this.#position += 1;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new FrameError('a number is longer than ten bytes');
  }

  /** The bytes of a field: the reader's own, not a copy. */
  bytes(): Buffer {
    const start = this.#advance(this.number());
    return this.#buffer.subarray(start, this.#position);
  }

  ascii(): string {
    const start = this.#advance(this.number());
    return this.#buffer.toString('latin1', start, this.#position);
  }

  utf8(): string {
    const start = this.#advance(this.number());
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
    if (type === WIRE.varint) this.number();
    else if (type === WIRE.lengthDelimited) this.#advance(this.number());
    else if (type === WIRE.fixed32) this.#advance(4);
    else if (type === WIRE.fixed64) this.#advance(8);
    else throw new FrameError(`a field has the wire type ${type}`);
  }

  /** Passes over so many bytes. Returns where they begin. */
  #advance(bytes: number): number {
    const from = this.#position;
    if (bytes > this.#end - from) throw truncated();
    this.#position = from + bytes;
    return from;
  }
}

function truncated(): FrameError {
  return new FrameError('a message ends in the middle of a field');
}
