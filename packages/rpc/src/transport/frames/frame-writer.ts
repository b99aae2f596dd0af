import type { Metadata, MetadataValue } from '../../call/metadata.js';
import {
  ABOUT,
  CALL,
  type CallFrame,
  END,
  ENTRY,
  type EndFrame,
  FAILURE,
  type FailureFrame,
  HEADER,
  KIND,
  MESSAGE,
  type MessageFrame,
} from './frames.js';

/** What a batch begins with. It grows for a longer one. */
const BATCH_BYTES = 2_048;
/** A field that is true. */
const FLAG_BYTES = 2;
const NO_BYTES = Buffer.alloc(0);

/** Writes the frames of one batch. */
export class FrameWriter {
  readonly #fields = new FieldWriter(BATCH_BYTES);
  #entriesBytes = 0;
  #entryTag = 0;

  /** The length of the batch so far. */
  get length(): number {
    return this.#fields.length;
  }

  /** Hands the batch over, and begins the next. */
  take(): Buffer {
    return this.#fields.take(BATCH_BYTES);
  }

  /** A frame that generated code has encoded, for those that are rare. */
  encoded(kind: number, body: Uint8Array): void {
    this.#fields.prefix(kind, body.length);
    this.#fields.raw(body);
  }

  /** Bytes before the first frame. */
  preface(bytes: Uint8Array): void {
    this.#fields.raw(bytes);
  }

  call(frame: CallFrame): void {
    const { id, method, path, timeoutMs, previousAttempts, metadata, message, compressed } = frame;
    const { principal = 0, assertion } = frame;
    const fields = this.#fields;
    fields.prefix(
      KIND.call,
      numberBytes(id) +
        numberBytes(method) +
        bytesBytes(path) +
        optionalNumberBytes(timeoutMs) +
        optionalNumberBytes(previousAttempts) +
        (principal === 0 ? 0 : numberBytes(principal)) +
        optionalBytes(assertion) +
        this.#sizeOf(metadata) +
        optionalBytes(message) +
        (compressed ? FLAG_BYTES : 0),
    );
    fields.number(CALL.id, id);
    fields.number(CALL.method, method);
    if (path !== '') fields.ascii(CALL.path, path);
    if (timeoutMs !== undefined) fields.number(CALL.timeoutMs, timeoutMs);
    this.#entries(CALL.metadata, metadata);
    if (message !== undefined) fields.bytes(CALL.message, message);
    if (compressed) fields.number(CALL.compressed, 1);
    if (previousAttempts !== undefined) fields.number(CALL.previousAttempts, previousAttempts);
    if (assertion !== undefined) fields.ascii(CALL.assertion, assertion);
    if (principal !== 0) fields.number(CALL.principal, principal);
  }

  message({ id, data, more, totalBytes, compressed }: MessageFrame<Uint8Array>): void {
    const fields = this.#fields;
    fields.prefix(
      KIND.message,
      numberBytes(id) +
        bytesBytes(data) +
        (more ? FLAG_BYTES : 0) +
        (totalBytes === 0 ? 0 : numberBytes(totalBytes)) +
        (compressed ? FLAG_BYTES : 0),
    );
    fields.number(MESSAGE.id, id);
    if (data.length > 0) fields.bytes(MESSAGE.data, data);
    if (more) fields.number(MESSAGE.more, 1);
    if (totalBytes !== 0) fields.number(MESSAGE.totalBytes, totalBytes);
    if (compressed) fields.number(MESSAGE.compressed, 1);
  }

  /** A half-close or a cancellation. */
  about(kind: typeof KIND.halfClose | typeof KIND.cancel, id: number): void {
    this.#fields.prefix(kind, numberBytes(id));
    this.#fields.number(ABOUT.id, id);
  }

  /** A ping or a pong. */
  empty(kind: typeof KIND.ping | typeof KIND.pong): void {
    this.#fields.prefix(kind, 0);
  }

  credit(id: number, bytes: number): void {
    this.#fields.prefix(KIND.credit, numberBytes(id) + numberBytes(bytes));
    this.#fields.number(ABOUT.id, id);
    this.#fields.number(ABOUT.bytes, bytes);
  }

  header(id: number, metadata: Metadata): void {
    this.#fields.prefix(KIND.header, numberBytes(id) + this.#sizeOf(metadata));
    this.#fields.number(HEADER.id, id);
    this.#entries(HEADER.metadata, metadata);
  }

  end({ id, message, header, trailer, failure }: EndFrame): void {
    const fields = this.#fields;
    const text = failure === undefined ? NO_BYTES : Buffer.from(failure.message);
    const failureBytes = failure === undefined ? 0 : sizeOfFailure(failure, text);
    fields.prefix(
      KIND.end,
      numberBytes(id) +
        optionalBytes(message) +
        this.#sizeOf(header) +
        this.#sizeOf(trailer) +
        (failure === undefined ? 0 : fieldBytes(failureBytes)),
    );
    fields.number(END.id, id);
    if (message !== undefined) fields.bytes(END.message, message);
    this.#entries(END.header, header);
    this.#entries(END.trailer, trailer);
    if (failure === undefined) return;
    fields.number(END.failure, failureBytes);
    fields.number(FAILURE.code, failure.code);
    if (text.length > 0) fields.bytes(FAILURE.message, text);
    if (failure.details !== undefined) fields.bytes(FAILURE.details, failure.details);
    if (failure.notHandled !== undefined) fields.ascii(FAILURE.notHandled, failure.notHandled);
    if (failure.retryPushback !== undefined) fields.ascii(FAILURE.retryPushback, failure.retryPushback);
  }

  #sizeOf(metadata: Metadata | undefined): number {
    if (metadata === undefined || metadata.isEmpty) return 0;
    this.#entriesBytes = 0;
    metadata.forEach(this.#addSize);
    return this.#entriesBytes;
  }

  readonly #addSize = (key: string, value: MetadataValue): void => {
    this.#entriesBytes += fieldBytes(sizeOfEntry(key, value));
  };

  #entries(tag: number, metadata: Metadata | undefined): void {
    if (metadata === undefined || metadata.isEmpty) return;
    this.#entryTag = tag;
    metadata.forEach(this.#writeEntry);
  }

  readonly #writeEntry = (key: string, value: MetadataValue): void => {
    this.#fields.number(this.#entryTag, sizeOfEntry(key, value));
    this.#fields.ascii(ENTRY.key, key);
    if (typeof value === 'string') this.#fields.ascii(ENTRY.value, value);
    else this.#fields.bytes(ENTRY.value, value);
  };
}

const numberBytes = (value: number): number => 1 + varintBytes(value);
const bytesBytes = ({ length }: { readonly length: number }): number => (length === 0 ? 0 : fieldBytes(length));
const optionalNumberBytes = (value: number | undefined): number => (value === undefined ? 0 : numberBytes(value));
const optionalBytes = (value: Uint8Array | string | undefined): number =>
  value === undefined ? 0 : fieldBytes(value.length);

function sizeOfEntry({ length: keyBytes }: string, { length: valueBytes }: MetadataValue): number {
  return fieldBytes(keyBytes) + fieldBytes(valueBytes);
}

function sizeOfFailure({ code, details, notHandled, retryPushback }: FailureFrame, text: Buffer): number {
  const optional = optionalBytes(details) + optionalBytes(notHandled) + optionalBytes(retryPushback);
  return numberBytes(code) + bytesBytes(text) + optional;
}

/** The bytes that a whole number below 2^32 takes. */
function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** The bytes that a field of `length` bytes takes whose tag is one byte. */
const fieldBytes = (length: number): number => 1 + varintBytes(length) + length;

/** The kind of a frame, and the length of its body. */
const PREFIX_BYTES = 5;

/** Writes frames of protobuf fields whose tags are one byte, into a buffer that grows. */
class FieldWriter {
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
