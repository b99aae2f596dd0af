import type { Payload, Reply } from '../call/index.js';
import type { Method } from '../contract/index.js';
import { mapMessages } from '../middleware/index.js';
import { RpcError, Status } from '../status/index.js';

/** The request as its handler reads it. Bytes that don't decode are `INTERNAL`, as gRPC has it. */
export function decodeRequest(method: Method, request: Payload<Uint8Array>): Payload {
  if (!request.stream) return { stream: false, message: decode(method, request.message) };
  return { stream: true, messages: mapMessages(request.messages, (bytes) => decode(method, bytes)) };
}

/** The reply as the wire carries it. A message that doesn't encode is the handler's fault. */
export function encodeReply(method: Method, reply: Reply): Reply<Uint8Array> {
  const { header, trailer, response } = reply;
  if (!response.stream)
    return { header, trailer, response: { stream: false, message: encodeResponse(method, response.message) } };
  const encode = (message: unknown) => encodeResponse(method, message);
  return { header, trailer, response: { stream: true, messages: mapMessages(response.messages, encode) } };
}

function decode(method: Method, bytes: Uint8Array): unknown {
  try {
    return method.requestType.decode(bytes);
  } catch (cause) {
    throw new RpcError(Status.INTERNAL, `the request of ${method.path} is not of the type in its contract`, { cause });
  }
}

/** What {@link encodeOnce} was told of, and its bytes once there are any. */
const encodedOnce = new WeakMap<object, Uint8Array | undefined>();

/**
 * A message that many calls answer with, such as one that all watchers of a thing are told: it is encoded for the first
 * of them, and sent as it is to the others. Nobody may change it any more.
 *
 * @returns `message` itself.
 */
export function encodeOnce<M extends object>(message: M): M {
  if (!encodedOnce.has(message)) encodedOnce.set(message, undefined);
  return message;
}

function encodeResponse(method: Method, message: unknown): Uint8Array {
  if (typeof message !== 'object' || message === null) {
    throw new TypeError(`${method.path}: the handler returned ${String(message)} where its contract has a message`);
  }
  const present = encodedOnce.get(message);
  if (present !== undefined) return present;
  const bytes = method.responseType.encode(method.responseType.fromPartial(message)).finish();
  if (encodedOnce.has(message)) encodedOnce.set(message, bytes);
  return bytes;
}
