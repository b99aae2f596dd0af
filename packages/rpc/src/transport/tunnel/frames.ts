import { GoAway, Hello, TunnelServiceDefinition, Welcome } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import { Metadata, type MetadataValue } from '../../call/metadata.js';
import { isWellFormed } from '../../call/metadata-rules.js';
import { ReceivedEntries } from '../received-entries.js';
import { bytesTag, FieldReader, FieldWriter, FrameError, fieldBytes, numberTag, varintBytes } from './wire-format.js';

// The frames of rondo/tunnel/v1/tunnel.proto. Every call passes here, so they are read and written without the objects that
// generated code makes of each message. frames.test.ts compares both.

/** The version of the frames that this code speaks. */
export const TUNNEL_VERSION = 1;
/** The path of the stream. */
export const TUNNEL_PATH = `/${TunnelServiceDefinition.fullName}/${TunnelServiceDefinition.methods.connect.name}`;

/** The most methods that one tunnel calls. */
export const MAX_METHODS = 4_096;
/** The path of a method. */
export const METHOD_PATH = /^\/[\x21-\x7e]{1,255}$/;

/** Messages with frames are shorter than this. Bytes. */
const MAX_MESSAGE_BYTES = 1_024 * 1_024;

/** Whether an end that takes messages of so many bytes can have tunnels. */
export const hasRoomForFrames = (maxMessageBytes: number): boolean => maxMessageBytes >= MAX_MESSAGE_BYTES;

/** A call to be sent, or received. */
export interface CallFrame {
  readonly id: number;
  readonly method: number;
  /** Empty unless this is the first call of the method. */
  readonly path: string;
  /** Milliseconds; undefined for no deadline. */
  readonly timeoutMs: number | undefined;
  readonly metadata: Metadata;
  readonly message: Uint8Array;
}

/** A failed call. */
export interface FailureFrame {
  readonly code: number;
  readonly message: string;
  /** An encoded `google.rpc.Status`; undefined without details. */
  readonly details: Uint8Array | undefined;
  /** Undefined if the trailer isn't sent. */
  readonly notHandled: string | undefined;
}

/** A reply to be sent, or received, or a piece of one. */
export interface ReplyFrame {
  readonly id: number;
  readonly message: Uint8Array;
  /** 0 unless this is the first of several pieces. */
  readonly totalBytes: number;
  readonly more: boolean;
  readonly header: Metadata | undefined;
  readonly trailer: Metadata | undefined;
  readonly failure: FailureFrame | undefined;
}

/** Frames that a server receives, one by one. */
export interface RequestListener {
  onHello(hello: Hello): void;
  onCall(call: CallFrame): void;
  onCancel(id: number): void;
}

/** Frames that a client receives, one by one. */
export interface ResponseListener {
  onWelcome(welcome: Welcome): void;
  onReply(reply: ReplyFrame): void;
  onGoAway(goAway: GoAway): void;
}

const REQUEST = { hello: bytesTag(1), calls: bytesTag(2) } as const;
const RESPONSE = { welcome: bytesTag(1), replies: bytesTag(2), goAway: bytesTag(3) } as const;
const CALL = {
  id: numberTag(1),
  method: numberTag(2),
  path: bytesTag(3),
  timeoutMs: numberTag(4),
  metadata: bytesTag(5),
  message: bytesTag(6),
  cancel: numberTag(7),
} as const;
const ENTRY = { key: bytesTag(1), value: bytesTag(2) } as const;
const REPLY = {
  id: numberTag(1),
  message: bytesTag(2),
  totalBytes: numberTag(3),
  more: numberTag(4),
  header: bytesTag(5),
  trailer: bytesTag(6),
  failure: bytesTag(7),
} as const;
const FAILURE = { code: numberTag(1), message: bytesTag(2), details: bytesTag(3), notHandled: bytesTag(4) } as const;

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

  call({ id, method, path, timeoutMs, metadata, message }: CallFrame): void {
    const fields = this.#fields;
    const bytes =
      numberBytes(id) +
      numberBytes(method) +
      bytesBytes(path) +
      (timeoutMs === undefined ? 0 : numberBytes(timeoutMs)) +
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

function sizeOfFailure({ code, details, notHandled }: FailureFrame, text: Buffer): number {
  return numberBytes(code) + bytesBytes(text) + optionalBytes(details) + optionalBytes(notHandled);
}

const optionalBytes = (value: Uint8Array | string | undefined): number =>
  value === undefined ? 0 : fieldBytes(value.length);

/** Reads a message from a client. @throws FrameError if it is no `ConnectRequest`. */
export function readRequest(bytes: Buffer, listener: RequestListener): void {
  const fields = new FieldReader(bytes);
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    switch (tag) {
      case REQUEST.calls:
        readCall(fields, listener);
        break;
      case REQUEST.hello:
        listener.onHello(readRare(Hello, fields.bytes()));
        break;
      default:
        fields.skip(tag);
    }
  }
}

/** Reads a message from a server. @throws FrameError if it is no `ConnectResponse`. */
export function readResponse(bytes: Buffer, listener: ResponseListener): void {
  const fields = new FieldReader(bytes);
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    switch (tag) {
      case RESPONSE.replies:
        listener.onReply(readReply(fields));
        break;
      case RESPONSE.goAway:
        listener.onGoAway(readRare(GoAway, fields.bytes()));
        break;
      case RESPONSE.welcome:
        listener.onWelcome(readRare(Welcome, fields.bytes()));
        break;
      default:
        fields.skip(tag);
    }
  }
}

/** Reads a frame that comes once a stream, by generated code. */
function readRare<T>(type: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T {
  try {
    return type.decode(bytes);
  } catch (cause) {
    throw new FrameError('a frame is not of its type', { cause });
  }
}

function readCall(fields: FieldReader, listener: RequestListener): void {
  let id = 0;
  let method = 0;
  let path = '';
  let cancel = false;
  let timeoutMs: number | undefined;
  let entries: ReceivedEntries | undefined;
  let message: Uint8Array = NO_BYTES;
  const outer = fields.enter();
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
        message = fields.bytes();
        break;
      case CALL.cancel:
        cancel = fields.number() !== 0;
        break;
      default:
        fields.skip(tag);
    }
  }
  fields.leave(outer);
  if (cancel) listener.onCancel(id);
  else listener.onCall({ id, method, path, timeoutMs, metadata: metadataOf(entries) ?? new Metadata(), message });
}

function readReply(fields: FieldReader): ReplyFrame {
  let id = 0;
  let totalBytes = 0;
  let more = false;
  let header: ReceivedEntries | undefined;
  let trailer: ReceivedEntries | undefined;
  let failure: FailureFrame | undefined;
  let message: Uint8Array = NO_BYTES;
  const outer = fields.enter();
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    switch (tag) {
      case REPLY.id:
        id = fields.number();
        break;
      case REPLY.message:
        message = fields.bytes();
        break;
      case REPLY.totalBytes:
        totalBytes = fields.number();
        break;
      case REPLY.more:
        more = fields.number() !== 0;
        break;
      case REPLY.header:
        header ??= new ReceivedEntries();
        readEntry(fields, header);
        break;
      case REPLY.trailer:
        trailer ??= new ReceivedEntries();
        readEntry(fields, trailer);
        break;
      case REPLY.failure:
        failure = readFailure(fields);
        break;
      default:
        fields.skip(tag);
    }
  }
  fields.leave(outer);
  return { id, message, totalBytes, more, header: metadataOf(header), trailer: metadataOf(trailer), failure };
}

const metadataOf = (entries: ReceivedEntries | undefined): Metadata | undefined => entries && Metadata.over(entries);

/** What HTTP/2 takes as well: so many entries in a call or a reply, each of so many bytes. */
const MAX_ENTRIES = 128;
const MAX_ENTRY_BYTES = 16 * 1_024;

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
  const received = key.endsWith('-bin') ? Buffer.from(value) : value.toString('latin1');
  if (!isWellFormed(key, received)) throw new FrameError(`metadata can't have the entry "${key}"`);
  entries.add(key, received);
}

function readFailure(fields: FieldReader): FailureFrame {
  let code = 0;
  let message = '';
  let details: Uint8Array | undefined;
  let notHandled: string | undefined;
  const outer = fields.enter();
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    if (tag === FAILURE.code) code = fields.number();
    else if (tag === FAILURE.message) message = fields.utf8();
    else if (tag === FAILURE.details) details = fields.bytes();
    else if (tag === FAILURE.notHandled) notHandled = fields.ascii();
    else fields.skip(tag);
  }
  fields.leave(outer);
  return { code, message, details, notHandled };
}
