// The bytes of every message, made before the first call. An echo's reply has the bytes of its request.
import {
  BidiStreamRequest,
  ClientStreamRequest,
  ClientStreamResponse,
  ServerStreamResponse,
  UnaryRequest,
} from '@rondo/contracts/rondo/conformance/v1/conformance';
import { countTo, TEXTS, textOf } from '../answers.mjs';
import { MESSAGES } from '../workloads.mjs';

/** A message with gRPC's prefix of five bytes. */
export function frame(type, message) {
  const bytes = type.encode(type.fromPartial(message)).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

/** By text, with one payload. */
export const unaryFrames = (payload) =>
  new Map(TEXTS.map((text) => [text, frame(UnaryRequest, payload === undefined ? { text } : { text, payload })]));

export const bidiFrames = () => new Map(TEXTS.map((text) => [text, frame(BidiStreamRequest, { text })]));
export const serverStreamFrames = () => [...countTo(MESSAGES)].map((reply) => frame(ServerStreamResponse, reply));
export const clientStreamFrames = () =>
  Array.from({ length: MESSAGES }, (_, index) => frame(ClientStreamRequest, { text: textOf(index) }));
export const clientStreamReply = () => frame(ClientStreamResponse, { texts: [String(MESSAGES)] });
