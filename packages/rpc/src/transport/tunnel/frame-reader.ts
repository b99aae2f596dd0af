import { GoAway, Hello, Welcome } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import { isWellFormed, Metadata } from '../../call/metadata.js';
import { ReceivedEntries } from '../received-entries.js';
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
import { type FieldReader, FrameError } from './wire-format.js';

const NO_BYTES = Buffer.alloc(0);

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

/**
 * Reads the frames of a client's message until at most `maxCalls` calls have begun. Returns whether it has more frames.
 *
 * @throws FrameError if it is no `ConnectRequest`.
 */
export function readRequest(fields: FieldReader, listener: RequestListener, maxCalls: number): boolean {
  let calls = 0;
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    switch (tag) {
      case REQUEST.calls:
        readCall(fields, listener);
        calls += 1;
        if (calls === maxCalls) return !fields.atEnd;
        break;
      case REQUEST.hello:
        listener.onHello(readRare(Hello, fields.bytes()));
        break;
      default:
        fields.skip(tag);
    }
  }
  return false;
}

/**
 * Reads the frames of a server's message until at most `maxReplies` replies have come. Returns whether it has more frames.
 *
 * @throws FrameError if it is no `ConnectResponse`.
 */
export function readResponse(fields: FieldReader, listener: ResponseListener, maxReplies: number): boolean {
  let replies = 0;
  for (let tag = fields.tag(); tag !== 0; tag = fields.tag()) {
    switch (tag) {
      case RESPONSE.replies:
        listener.onReply(readReply(fields));
        replies += 1;
        if (replies === maxReplies) return !fields.atEnd;
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
  return false;
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
  let previousAttempts: number | undefined;
  let principal = 0;
  let assertion: string | undefined;
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
        message = fields.kept();
        break;
      case CALL.cancel:
        cancel = fields.number() !== 0;
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
  fields.leave(outer);
  if (cancel) {
    listener.onCancel(id);
    return;
  }
  const metadata = metadataOf(entries) ?? new Metadata();
  listener.onCall({ id, method, path, timeoutMs, previousAttempts, metadata, message, principal, assertion });
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
        message = fields.kept();
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
