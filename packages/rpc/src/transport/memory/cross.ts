import type { Payload, Reply } from '../../call/call.js';
import { CallContext, cancelled } from '../../call/call-context.js';
import { Metadata } from '../../call/metadata.js';
import { clientErrors } from '../../errors/client.js';
import { mapMessages, observe, untilAborted } from '../../middleware/stream.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { RouterError, TransportError } from '../../status/wire-errors.js';
import { InFlight, type InFlightMember } from '../grpc/active-calls.js';
import { ReceivedEntries } from '../received-entries.js';
import type { ReceivedWireCall, WireHandler } from '../transport.js';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** A connection between two ends in this process. */
export class MemoryConnection {
  readonly calls = new InFlight<CallInFlight>();
  /** Ends when the connection breaks. */
  readonly context = new CallContext();

  /** Ends all calls in flight with this error, for both sides. */
  break(error: RpcError): void {
    this.context.end(error);
    for (const call of this.calls.all()) call.onBroken(error);
  }
}

interface CallInFlight extends InFlightMember {
  onBroken(error: RpcError): void;
}

/**
 * Carries a call to `handle` as a connection would. Only bytes, metadata and a status cross, and the cause of an
 * error, which stays in this process; larger messages than allowed don't. When `connection` breaks, neither side
 * receives anything more.
 */
export async function crossMemory(
  wire: ReceivedWireCall,
  handle: WireHandler,
  connection: MemoryConnection,
): Promise<Reply<Uint8Array>> {
  const far = new CallContext();
  const leave = () => far.end(expiry(wire.context) ?? cancelled());
  const call: CallInFlight = { slot: -1, onBroken: leave };
  wire.context.onEnd(leave);
  connection.calls.add(call);
  const release = () => {
    wire.context.offEnd(leave);
    connection.calls.delete(call);
  };
  const end = () => {
    release();
    leave();
  };
  const early = new EarlyHeader();
  try {
    const metadata = carried(wire.metadata);
    const request = limited(wire.request);
    const received = { ...wire, metadata, request, context: far, peer: 'memory', sendHeader: early.send };
    const reply = await new Promise<Reply<Uint8Array>>((resolve, reject) => {
      call.onBroken = (error) => {
        leave();
        reject(error);
      };
      handle(received).then(resolve, reject);
    });
    if (reply.response.stream) return await receiveStream(reply, reply.response.messages, { connection, end, early });
    release();
    const { header, trailer, response } = reply;
    return { header: early.header ?? carried(header), trailer: carried(trailer), response: limited(response) };
  } catch (fault) {
    release();
    throw asReceived(fault, early);
  }
}

/** The header, if the handler sends it before the first message. */
class EarlyHeader {
  header: Metadata | undefined;
  #onSent: (() => void) | undefined;

  readonly send = (header: Metadata): void => {
    header.checkSendable();
    this.header ??= carried(header);
    this.#onSent?.();
  };

  /** Resolves when the header has been sent. */
  sent(): Promise<void> {
    return new Promise((resolve) => {
      if (this.header === undefined) this.#onSent = resolve;
      else resolve();
    });
  }
}

interface StreamEnd {
  readonly connection: MemoryConnection;
  readonly end: () => void;
  readonly early: EarlyHeader;
}

/** The header is received with the first message, if it wasn't sent before; the trailer after the last. */
async function receiveStream(
  { header, trailer }: Reply<Uint8Array>,
  messages: AsyncIterable<Uint8Array>,
  { connection, end, early }: StreamEnd,
): Promise<Reply<Uint8Array>> {
  const iterator = untilAborted(messages, connection.context.signal)[Symbol.asyncIterator]();
  const first = iterator.next();
  await Promise.race([first, early.sent()]);
  const received = new Metadata();
  const rest = resume(first, iterator, () => received.receive(carried(trailer)));
  const response = limited({
    stream: true,
    messages: observe(rest, { error: (fault) => asReceived(fault, early), end }),
  });
  return { header: early.header ?? carried(header), trailer: received, response };
}

/** `first`, then the rest of `iterator`. `done` runs at the end, but not if the reader leaves before. */
async function* resume(
  first: Promise<IteratorResult<Uint8Array>>,
  iterator: AsyncIterator<Uint8Array>,
  done: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    for (let step = await first; step.done !== true; step = await iterator.next()) yield step.value;
    done();
  } finally {
    await iterator.return?.();
  }
}

function asReceived(fault: unknown, early: EarlyHeader): unknown {
  if (!(fault instanceof RpcError) || fault instanceof TransportError) return fault;
  const { code, message, details, header, cause, retryPushbackMs } = fault;
  const received = early.header ?? (header === undefined || header.size === 0 ? undefined : carried(header));
  const metadata = carried(fault.metadata);
  const options = { details, metadata, header: received, cause, retryPushbackMs, origin: 'server' } as const;
  if (!(fault instanceof RouterError)) return new RpcError(code, message, options);
  return new RouterError(code, message, { ...options, handled: fault.handled });
}

/** The server notices a passed deadline by itself. It never learns any other reason for a cancellation. */
function expiry({ reason }: CallContext): RpcError | undefined {
  return reason?.code === Status.DEADLINE_EXCEEDED ? reason : undefined;
}

/** Metadata as HTTP carries it: several texts under one key become one. */
function carried(metadata: Metadata): Metadata {
  if (metadata.isEmpty) return new Metadata();
  const received = new ReceivedEntries();
  metadata.forEach((key, value) => {
    received.add(key, value);
  });
  return Metadata.over(received);
}

function limited(payload: Payload<Uint8Array>): Payload<Uint8Array> {
  if (!payload.stream) {
    withinLimit(payload.message);
    return payload;
  }
  return { stream: true, messages: mapMessages(payload.messages, withinLimit) };
}

function withinLimit(message: Uint8Array): Uint8Array {
  if (message.length <= MAX_MESSAGE_BYTES) return message;
  throw clientErrors.REPLY_TOO_LONG({ bytes: message.length, maxBytes: MAX_MESSAGE_BYTES });
}
