import { type Message, MessageReader, withPrefix } from '@rondo/rpc/internal';
import { gatewayErrors } from '../errors.js';

/**
 * Cuts a stream of bytes into messages of at most `maxBytes`.
 *
 * Its `next` throws an RpcError `RESOURCE_EXHAUSTED` as soon as a message declares more.
 */
export function createMessageReader(maxBytes: number): MessageReader {
  return new MessageReader({
    checkPrefix(_flags, length) {
      if (length > maxBytes) throw gatewayErrors.MESSAGE_TOO_LARGE({ maxBytes });
    },
  });
}

/**
 * The one message of a body.
 *
 * @throws RpcError `UNIMPLEMENTED` if there is none or a second one, as gRPC calls for; `INTERNAL` if the body ends inside
 * a message. Source: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md, "cardinality violation".
 */
export function onlyMessage(body: Buffer, maxBytes: number): Message {
  const reader = createMessageReader(maxBytes);
  reader.push(body);
  const message = reader.next();
  if (message === undefined) throw reader.whole ? gatewayErrors.NO_MESSAGE() : gatewayErrors.CUT_OFF();
  if (!reader.whole) throw gatewayErrors.SECOND_MESSAGE();
  return message;
}

/** A message with its prefix. */
export function envelop(data: Uint8Array, flags = 0): Buffer {
  const framed = withPrefix(data);
  framed[0] = flags;
  return framed;
}
