import type { Call, Payload, Reply } from '../call/index.js';
import type { Method } from '../contract/index.js';
import { mapMessages } from '../middleware/index.js';
import { RpcError, Status } from '../status/index.js';

/** The request as the wire carries it. What can't be encoded is the caller's mistake: `INVALID_ARGUMENT`. */
export function encodeRequest({ method, request }: Call): Payload<Uint8Array> {
  if (!request.stream) return { stream: false, message: encode(method, request.message) };
  return { stream: true, messages: mapMessages(request.messages, (message) => encode(method, message)) };
}

/** The reply as its caller reads it. */
export function decodeReply(method: Method, { header, trailer, response }: Reply<Uint8Array>): Reply {
  if (!response.stream)
    return { header, trailer, response: { stream: false, message: decode(method, response.message) } };
  const decodeOne = (bytes: Uint8Array) => decode(method, bytes);
  return { header, trailer, response: { stream: true, messages: mapMessages(response.messages, decodeOne) } };
}

function encode({ requestType }: Method, message: unknown): Uint8Array {
  if (typeof message !== 'object' || message === null) {
    throw new RpcError(Status.INVALID_ARGUMENT, `the request must be an object, not ${String(message)}`);
  }
  try {
    return requestType.encode(requestType.fromPartial(message)).finish();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RpcError(Status.INVALID_ARGUMENT, `the request can't be encoded: ${reason}`, { cause });
  }
}

function decode({ path, responseType }: Method, bytes: Uint8Array): unknown {
  try {
    return responseType.decode(bytes);
  } catch (cause) {
    throw new RpcError(Status.INTERNAL, `the reply of ${path} is not of the type in its contract`, { cause });
  }
}
