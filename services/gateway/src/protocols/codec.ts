import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  fromJsonString,
  type Registry,
  toBinary,
  toJson,
  toJsonString,
} from '@bufbuild/protobuf';
import type { Endpoint } from '@rondo/rpc/client';
import type { Payload } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { whyUnparsed } from '@rondo/schema';
import type { PublicMethod } from '../discovery/catalogue.js';
import { withReadableAnys } from './any.js';
import type { BackendCall } from './backend.js';

/** How messages are encoded between client and gateway. Services get and send `proto`. */
export type Codec = 'proto' | 'json';

/** Told when a message of the client can't be decoded. It returns the error to throw. */
export type Refuse = (fault: unknown) => unknown;

/**
 * The request of a backend call. Bytes of `proto` pass as they are. JSON is encoded for the instance that was picked, by
 * its version of the contract; fields that this version lacks are ignored, as Connect's handlers do.
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
      const text = textOf(json);
      const unparsed = whyUnparsed(text, MAX_JSON_VALUES);
      if (unparsed !== undefined) throw new Error(`it ${unparsed}`);
      if (MANY_DIGITS.test(text)) refuseEndlessNumbers(JSON.parse(text));
      const message = fromJsonString(desc.input, text, { registry: types, ignoreUnknownFields: true });
      last = { desc, json, bytes: toBinary(desc.input, message) };
      return last.bytes;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      // @cause The JSON of a Connect or gRPC-Web request isn't that of its message.
      // @remedy Correct the JSON as the text says.
      throw refuse(
        new RpcError(Status.INVALID_ARGUMENT, `the request is not the JSON of its message: ${why}`, { cause }),
      );
    }
  };
}

/** How many members and elements the JSON of a request may have in all: more would stall all other requests. */
export const MAX_JSON_VALUES = 100_000;

/** Whether a text may have an endless number: by many digits, or by escapes that stand for digits. */
const MANY_DIGITS = /\d{1000}|\\u003/i;
const MAX_DIGITS = 100_000;

/** A 64-bit integer is text in JSON, and the time to read one grows with the square of its digits. */
function refuseEndlessNumbers(json: unknown): void {
  if (typeof json === 'string') {
    if (json.length > MAX_DIGITS && /^\s*[+-]?\d+\s*$/.test(json))
      throw new Error(`a number has over ${MAX_DIGITS} digits`);
  } else if (typeof json === 'object' && json !== null) {
    for (const part of [...Object.keys(json), ...Object.values(json)]) refuseEndlessNumbers(part);
  }
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
  return (reply) => Buffer.from(toText(output, reply, target.types));
}

function toText(desc: DescMessage, bytes: Uint8Array, types: Registry): string {
  const message = fromBinary(desc, bytes);
  try {
    return toJsonString(desc, message, { registry: types });
  } catch {
    return JSON.stringify(withReadableAnys(message, types, (registry) => toJson(desc, message, { registry })));
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
