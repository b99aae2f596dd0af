import { type DescMethod, toBinary } from '@bufbuild/protobuf';
import type { Endpoint } from '@rondo/rpc/client';
import type { Payload } from '@rondo/rpc/internal';
import { decodeReply, toMessage, writeSetFields } from '@rondo/schema';
import type { PublicMethod } from '../discovery/catalogue.js';
import type { BackendCall } from './backend.js';
import { parseText, toText } from './json-text.js';
import { stringify } from './stringify.js';

/** How messages are encoded between client and gateway. Services get and send `proto`. */
export type Codec = 'proto' | 'json';

/** Called when a message of the client can't be decoded. It returns the error to throw. */
export type Refuse = (fault: unknown) => unknown;

/**
 * The request of a backend call. Bytes of `proto` pass as they are. JSON is encoded for the instance that was picked, by
 * its version of the contract; a field that this version lacks is refused.
 */
export function requestOf(
  payload: Payload<Uint8Array>,
  { target, codec, refuse }: { readonly target: PublicMethod; readonly codec: Codec; readonly refuse: Refuse },
): BackendCall['request'] {
  if (codec === 'proto') return payload;
  const encode = encoder(target, refuse);
  return (to: Endpoint | undefined) => {
    const desc = target.descAt(to);
    if (desc === undefined) return undefined;
    if (!payload.stream) return { stream: false, message: encode(desc, payload.message) };
    return { stream: true, messages: mapped(payload.messages, (message) => encode(desc, message)) };
  };
}

/** Encodes JSON by a method's descriptor. It remembers the last result, because a retry asks again for the same message. */
function encoder({ types }: PublicMethod, refuse: Refuse): (desc: DescMethod, json: Uint8Array) => Uint8Array {
  let last: { readonly desc: DescMethod; readonly json: Uint8Array; readonly bytes: Uint8Array } | undefined;
  return (desc, json) => {
    if (last?.desc === desc && last.json === json) return last.bytes;
    try {
      last = { desc, json, bytes: toBinary(desc.input, toMessage(desc.input, parseText(toText(json)), types)) };
      return last.bytes;
    } catch (fault) {
      throw refuse(fault);
    }
  };
}

async function* mapped(
  messages: AsyncIterable<Uint8Array>,
  encode: (message: Uint8Array) => Uint8Array,
): AsyncIterable<Uint8Array> {
  for await (const message of messages) yield encode(message);
}

/** Encodes the replies of an instance for the client. The same function serves all messages of a stream. */
export function replyEncoder(
  target: PublicMethod,
  codec: Codec,
  from: Endpoint | undefined,
): (reply: Uint8Array) => Uint8Array {
  if (codec === 'proto') return (reply) => reply;
  const { output } = target.descAt(from) ?? target.desc;
  // Without fields that are zero, as Connect's own libraries write it.
  const encode = (reply: Uint8Array) =>
    Buffer.from(stringify(output, writeSetFields(output, decodeReply(output, reply), target.types)));
  return from === undefined ? (reply) => encodedOnce(reply, encode) : encode;
}

/** The JSON of the gateway's own replies, by their bytes: these are the same for all who watch. */
const encoded = new WeakMap<Uint8Array, Uint8Array>();

function encodedOnce(reply: Uint8Array, encode: (reply: Uint8Array) => Uint8Array): Uint8Array {
  const json = encoded.get(reply) ?? encode(reply);
  encoded.set(reply, json);
  return json;
}
