import type { Metadata, MetadataValue } from '../../call/metadata.js';
import {
  CALL,
  type CallFrame,
  ENTRY,
  FAILURE,
  type FailureFrame,
  REPLY,
  REQUEST,
  RESPONSE,
  type ReplyFrame,
} from './frames.js';
import { FieldWriter, fieldBytes, varintBytes } from './wire-format.js';

/** The tag and the length of a frame. */
const MAX_PREFIX_BYTES = 6;
/** What a batch begins with. It grows for a longer one. */
const BATCH_BYTES = 2_048;
/** A field that is true. */
const CANCEL_BYTES = 2;
const NO_BYTES = Buffer.alloc(0);

/** Writes the frames of one batch: one message of the stream. */
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

  call({
    id,
    method,
    path,
    timeoutMs,
    previousAttempts,
    metadata,
    message,
    principal = 0,
    assertion,
  }: CallFrame): void {
    const fields = this.#fields;
    const bytes =
      numberBytes(id) +
      numberBytes(method) +
      bytesBytes(path) +
      (timeoutMs === undefined ? 0 : numberBytes(timeoutMs)) +
      (previousAttempts === undefined ? 0 : numberBytes(previousAttempts)) +
      (principal === 0 ? 0 : numberBytes(principal)) +
      (assertion === undefined ? 0 : fieldBytes(assertion.length)) +
      this.#sizeOf(metadata) +
      bytesBytes(message);
    fields.reserve(MAX_PREFIX_BYTES + bytes);
    fields.number(REQUEST.calls, bytes);
    fields.number(CALL.id, id);
    fields.number(CALL.method, method);
    if (path !== '') fields.ascii(CALL.path, path);
    if (timeoutMs !== undefined) fields.number(CALL.timeoutMs, timeoutMs);
    this.#entries(CALL.metadata, metadata);
    if (message.length > 0) fields.bytes(CALL.message, message);
    if (previousAttempts !== undefined) fields.number(CALL.previousAttempts, previousAttempts);
    if (principal !== 0) fields.number(CALL.principal, principal);
    if (assertion !== undefined) fields.ascii(CALL.assertion, assertion);
  }

  /** The cancellation of a call. */
  cancel(id: number): void {
    const bytes = numberBytes(id) + CANCEL_BYTES;
    this.#fields.reserve(MAX_PREFIX_BYTES + bytes);
    this.#fields.number(REQUEST.calls, bytes);
    this.#fields.number(CALL.id, id);
    this.#fields.number(CALL.cancel, 1);
  }

  reply({ id, message, totalBytes, more, header, trailer, failure }: ReplyFrame): void {
    const fields = this.#fields;
    const text = failure === undefined ? NO_BYTES : Buffer.from(failure.message);
    const failureBytes = failure === undefined ? 0 : sizeOfFailure(failure, text);
    const bytes =
      numberBytes(id) +
      bytesBytes(message) +
      (totalBytes === 0 ? 0 : numberBytes(totalBytes)) +
      (more ? 2 : 0) +
      this.#sizeOf(header) +
      this.#sizeOf(trailer) +
      (failure === undefined ? 0 : fieldBytes(failureBytes));
    fields.reserve(MAX_PREFIX_BYTES + bytes);
    fields.number(RESPONSE.replies, bytes);
    fields.number(REPLY.id, id);
    if (message.length > 0) fields.bytes(REPLY.message, message);
    if (totalBytes !== 0) fields.number(REPLY.totalBytes, totalBytes);
    if (more) fields.number(REPLY.more, 1);
    this.#entries(REPLY.header, header);
    this.#entries(REPLY.trailer, trailer);
    if (failure === undefined) return;
    fields.number(REPLY.failure, failureBytes);
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

function sizeOfEntry({ length: keyBytes }: string, { length: valueBytes }: MetadataValue): number {
  return fieldBytes(keyBytes) + fieldBytes(valueBytes);
}

function sizeOfFailure({ code, details, notHandled, retryPushback }: FailureFrame, text: Buffer): number {
  const optional = optionalBytes(details) + optionalBytes(notHandled) + optionalBytes(retryPushback);
  return numberBytes(code) + bytesBytes(text) + optional;
}

const optionalBytes = (value: Uint8Array | string | undefined): number =>
  value === undefined ? 0 : fieldBytes(value.length);
