import type { Payload, Reply } from '../../call/index.js';
import { mapMessages, observe } from '../../middleware/index.js';
import { RpcError, Status } from '../../status/index.js';
import type { WireCall, WireHandler } from '../transport.js';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * Takes a call to `handle` as a connection would: nothing but bytes, metadata and a status crosses, messages over the
 * limit don't, and when `broken` aborts, neither side hears more of the other.
 */
export async function crossMemory(wire: WireCall, handle: WireHandler, broken: AbortSignal): Promise<Reply<Uint8Array>> {
  const far = new AbortController();
  const leave = () => far.abort();
  for (const signal of [wire.signal, broken]) signal.addEventListener('abort', leave, { once: true });
  const release = () => {
    for (const signal of [wire.signal, broken]) signal.removeEventListener('abort', leave);
  };
  try {
    const metadata = wire.metadata.clone();
    const request = limited(wire.request);
    const reply = await unless(broken, handle({ ...wire, metadata, request, signal: far.signal, peer: 'memory' }));
    const { header, trailer, response } = reply;
    if (!response.stream) {
      release();
      return { header: header.clone(), trailer: trailer.clone(), response: limited(response) };
    }
    const error = (fault: unknown) => asReceived(fault);
    const end = () => {
      release();
      leave();
    };
    const messages = observe(untilBroken(response.messages, broken), { error, end });
    return { header, trailer, response: limited({ stream: true, messages }) };
  } catch (fault) {
    release();
    throw asReceived(fault);
  }
}

function asReceived(fault: unknown): unknown {
  if (!(fault instanceof RpcError) || fault.constructor !== RpcError) return fault;
  return new RpcError(fault.code, fault.message, { details: fault.details, metadata: fault.metadata.clone() });
}

function untilBroken(messages: AsyncIterable<Uint8Array>, broken: AbortSignal): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        next: () => unless(broken, iterator.next()),
        return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
      };
    },
  };
}

/** `work`, unless `broken` aborts first. */
function unless<T>(broken: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(broken.reason);
    const settle = () => broken.removeEventListener('abort', onAbort);
    broken.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(settle);
    if (broken.aborted) onAbort();
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
