import type { Payload, Reply } from '../../call/call.js';
import { CallContext, cancelled } from '../../call/call-context.js';
import { Metadata, type MetadataValue } from '../../call/metadata.js';
import { mapMessages, observe, unlessAborted, untilAborted } from '../../middleware/stream.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { RouterError } from '../router-error.js';
import { TransportError, type WireCall, type WireHandler } from '../transport.js';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * Carries a call to `handle` as a connection would. Only bytes, metadata and a status cross; larger messages than
 * allowed don't. When `broken` aborts, neither side receives anything more.
 */
export async function crossMemory(
  wire: WireCall,
  handle: WireHandler,
  broken: AbortSignal,
): Promise<Reply<Uint8Array>> {
  const far = new CallContext();
  const leave = () => far.end(expiry(wire.context) ?? cancelled());
  wire.context.onEnd(leave);
  broken.addEventListener('abort', leave, { once: true });
  const release = () => {
    wire.context.offEnd(leave);
    broken.removeEventListener('abort', leave);
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
    const reply = await unlessAborted(handle(received), broken);
    if (reply.response.stream) return await receiveStream(reply, reply.response.messages, { broken, end, early });
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
  #resolve: () => void = () => undefined;
  header: Metadata | undefined;
  readonly sent = new Promise<void>((resolve) => {
    this.#resolve = resolve;
  });
  readonly send = (header: Metadata): void => {
    header.checkSendable();
    this.header ??= carried(header);
    this.#resolve();
  };
}

interface StreamEnd {
  readonly broken: AbortSignal;
  readonly end: () => void;
  readonly early: EarlyHeader;
}

/** The header is received with the first message, if it wasn't sent before; the trailer after the last. */
async function receiveStream(
  { header, trailer }: Reply<Uint8Array>,
  messages: AsyncIterable<Uint8Array>,
  { broken, end, early }: StreamEnd,
): Promise<Reply<Uint8Array>> {
  const iterator = untilAborted(messages, broken)[Symbol.asyncIterator]();
  const first = iterator.next();
  await Promise.race([first, early.sent]);
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
  const { code, message, details, header } = fault;
  const received = early.header ?? (header === undefined || header.size === 0 ? undefined : carried(header));
  const options = { details, metadata: carried(fault.metadata), header: received, origin: 'server' } as const;
  if (!(fault instanceof RouterError)) return new RpcError(code, message, options);
  return new RouterError(code, message, { ...options, handled: fault.handled });
}

/** The server knows by itself that a deadline has passed. It never learns why else a caller cancels. */
function expiry({ reason }: CallContext): RpcError | undefined {
  return reason?.code === Status.DEADLINE_EXCEEDED ? reason : undefined;
}

/** Metadata as HTTP carries it: several texts under one key become one. */
function carried(metadata: Metadata): Metadata {
  const entries = new Map<string, readonly MetadataValue[]>();
  for (const [key] of metadata) {
    const values = metadata.getAll(key);
    entries.set(key, key.endsWith('-bin') ? values : [values.join(', ')]);
  }
  return Metadata.over({
    getAll: (key) => entries.get(key) ?? [],
    forEach(visit) {
      for (const [key, values] of entries) for (const value of values) visit(key, value);
    },
  });
}

function limited(payload: Payload<Uint8Array>): Payload<Uint8Array> {
  if (!payload.stream) return { stream: false, message: withinLimit(payload.message) };
  return { stream: true, messages: mapMessages(payload.messages, withinLimit) };
}

function withinLimit(message: Uint8Array): Uint8Array {
  if (message.length <= MAX_MESSAGE_BYTES) return message;
  const text = `Received message larger than max (${message.length} vs ${MAX_MESSAGE_BYTES})`;
  throw new RpcError(Status.RESOURCE_EXHAUSTED, text);
}
