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
/** The kind of a frame, and the length of its body. */
const PREFIX_BYTES = 5;
/** The most bytes of a tag, and of a number below 2^32. */
const NUMBER_BYTES = 6;

/** Writes the frames of one batch: protobuf fields whose tags are one byte, into a buffer that grows. */
export class FrameWriter {
  #buffer: Buffer = Buffer.allocUnsafe(BATCH_BYTES);
  #length = 0;
  /** Where the frame that is being written begins. */
  #start = 0;
  /** The tag of the entries that are being written. */
  #entryTag = 0;

  /** The length of the batch so far. */
  get length(): number {
    return this.#length;
  }

  /** Hands the batch over, and begins the next. */
  take(): Buffer {
    const written = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(BATCH_BYTES);
    this.#length = 0;
    return written;
  }

  /** A frame that generated code has encoded, for those that are rare. */
  encoded(kind: number, body: Uint8Array): void {
    this.#begin(kind);
    this.raw(body);
    this.#end();
  }

  /** Bytes as they are, such as those before the first frame. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  call(frame: CallFrame): void {
    const { id, method, path, timeoutMs, previousAttempts, metadata, message, compressed } = frame;
    const { principal = 0, assertion } = frame;
    this.#begin(KIND.call);
    this.#number(CALL.id, id);
    this.#number(CALL.method, method);
    if (path !== '') this.#ascii(CALL.path, path);
    if (timeoutMs !== undefined) this.#number(CALL.timeoutMs, timeoutMs);
    this.#entries(CALL.metadata, metadata);
    if (message !== undefined) this.#bytes(CALL.message, message);
    if (compressed) this.#number(CALL.compressed, 1);
    if (previousAttempts !== undefined) this.#number(CALL.previousAttempts, previousAttempts);
    if (assertion !== undefined) this.#ascii(CALL.assertion, assertion);
    if (principal !== 0) this.#number(CALL.principal, principal);
    this.#end();
  }

  message({ id, data, more, totalBytes, compressed }: MessageFrame<Uint8Array>): void {
    this.#begin(KIND.message);
    this.#number(MESSAGE.id, id);
    if (data.length > 0) this.#bytes(MESSAGE.data, data);
    if (more) this.#number(MESSAGE.more, 1);
    if (totalBytes !== 0) this.#number(MESSAGE.totalBytes, totalBytes);
    if (compressed) this.#number(MESSAGE.compressed, 1);
    this.#end();
  }

  /** A half-close or a cancellation. */
  about(kind: typeof KIND.halfClose | typeof KIND.cancel, id: number): void {
    this.#begin(kind);
    this.#number(ABOUT.id, id);
    this.#end();
  }

  /** A ping or a pong. */
  empty(kind: typeof KIND.ping | typeof KIND.pong): void {
    this.#begin(kind);
    this.#end();
  }

  credit(id: number, bytes: number): void {
    this.#begin(KIND.credit);
    this.#number(ABOUT.id, id);
    this.#number(ABOUT.bytes, bytes);
    this.#end();
  }

  header(id: number, metadata: Metadata): void {
    this.#begin(KIND.header);
    this.#number(HEADER.id, id);
    this.#entries(HEADER.metadata, metadata);
    this.#end();
  }

  end({ id, message, header, trailer, failure }: EndFrame): void {
    this.#begin(KIND.end);
    this.#number(END.id, id);
    if (message !== undefined) this.#bytes(END.message, message);
    this.#entries(END.header, header);
    this.#entries(END.trailer, trailer);
    if (failure !== undefined) this.#failure(failure);
    this.#end();
  }

  #failure({ code, message, details, notHandled, retryPushback }: FailureFrame): void {
    const text = Buffer.from(message);
    const optional = optionalBytes(details) + optionalBytes(notHandled) + optionalBytes(retryPushback);
    this.#number(END.failure, 1 + varintBytes(code) + (text.length > 0 ? fieldBytes(text.length) : 0) + optional);
    this.#number(FAILURE.code, code);
    if (text.length > 0) this.#bytes(FAILURE.message, text);
    if (details !== undefined) this.#bytes(FAILURE.details, details);
    if (notHandled !== undefined) this.#ascii(FAILURE.notHandled, notHandled);
    if (retryPushback !== undefined) this.#ascii(FAILURE.retryPushback, retryPushback);
  }

  #entries(tag: number, metadata: Metadata | undefined): void {
    if (metadata === undefined || metadata.isEmpty) return;
    this.#entryTag = tag;
    metadata.forEach(this.#writeEntry);
  }

  readonly #writeEntry = (key: string, value: MetadataValue): void => {
    this.#number(this.#entryTag, fieldBytes(key.length) + fieldBytes(value.length));
    this.#ascii(ENTRY.key, key);
    if (typeof value === 'string') this.#ascii(ENTRY.value, value);
    else this.#bytes(ENTRY.value, value);
  };

  #begin(kind: number): void {
    this.#reserve(PREFIX_BYTES);
    this.#start = this.#length;
    this.#buffer[this.#start] = kind;
    this.#length += PREFIX_BYTES;
  }

  /** Writes the length of the body, which is known now. */
  #end(): void {
    this.#buffer.writeUInt32BE(this.#length - this.#start - PREFIX_BYTES, this.#start + 1);
  }

  #bytes(tag: number, value: Uint8Array): void {
    this.#number(tag, value.length, value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** ASCII text. */
  #ascii(tag: number, value: string): void {
    this.#number(tag, value.length, value.length);
    this.#length += this.#buffer.write(value, this.#length, 'latin1');
  }

  /** A number below 2^32; `andBytes`: how many bytes follow it at once. */
  #number(tag: number, value: number, andBytes = 0): void {
    this.#reserve(NUMBER_BYTES + andBytes);
    const buffer = this.#buffer;
    let at = this.#length;
    buffer[at++] = tag;
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) buffer[at++] = (rest & 0x7f) | 0x80;
    buffer[at++] = rest;
    this.#length = at;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
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
const optionalBytes = (value: Uint8Array | string | undefined): number =>
  value === undefined ? 0 : fieldBytes(value.length);
