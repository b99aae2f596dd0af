import { Status } from '../../src/exports/status.js';
import { END_HEADERS, END_STREAM, frame, type Header, headersFrame, message, TYPE, uint32 } from '../attacks/frames.js';

/** The kinds of method. */
export const KINDS = ['unary', 'clientStream', 'serverStream', 'bidiStream'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * A piece of an answer: frames on the stream of the call, or an action on the connection. `seen` waits until the client
 * has read everything before it, so that the rest comes in a later turn of its event loop.
 */
export type Piece = ((stream: number) => Uint8Array) | 'seen' | 'end' | 'reset';

/** The expected status of a call: the same for all kinds of method, or one for unary replies and another for streams. */
type Code = Status | Readonly<{ one: Status; many: Status }>;

/** One broken answer, and the expected outcome of the call that gets it. */
export interface Answer {
  readonly name: string;
  readonly code: Code;
  readonly pieces: readonly Piece[];
  /** Whether other calls on the same connection continue. */
  readonly connection: 'stands' | 'ends';
  /** Whether the server answers before it has read the request. */
  readonly early?: boolean;
  /** The deadline of the call. Only a server that sends nothing more needs it. Milliseconds. */
  readonly timeoutMs?: number;
}

/** An answer that harms only its own call. */
export function answer(name: string, code: Code, ...pieces: readonly Piece[]): Answer {
  return { name, code, pieces, connection: 'stands' };
}

/** An answer that ends its connection. */
export function ending(name: string, code: Code, ...pieces: readonly Piece[]): Answer {
  return { name, code, pieces, connection: 'ends' };
}

type Rows = Readonly<Record<string, readonly Piece[]>>;

/** Answers of these names that harm only their own calls, and end them with the same status. */
export const answers = (code: Code, rows: Rows): readonly Answer[] =>
  Object.entries(rows).map(([name, pieces]) => answer(name, code, ...pieces));

/** Answers of these names that end their connections. */
export const endings = (code: Code, rows: Rows): readonly Answer[] =>
  Object.entries(rows).map(([name, pieces]) => ending(name, code, ...pieces));

/** The status with which a call of `kind` ends after `answer`. */
export function codeFor({ code }: Answer, kind: Kind): Status {
  if (typeof code === 'number') return code;
  return kind === 'unary' || kind === 'clientStream' ? code.one : code.many;
}

/** For answers that are invalid for a unary reply, but valid for a stream, which may be empty. */
export const UNLESS_MANY: Code = { one: Status.UNIMPLEMENTED, many: Status.OK };

/** A header block with any content. */
export const headers =
  (list: readonly Header[], { end = false } = {}): Piece =>
  (stream) =>
    headersFrame(list, { stream, flags: END_HEADERS | (end ? END_STREAM : 0) });

/** The first headers of every gRPC answer. */
export const GRPC: readonly Header[] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
];

/** The header of an answer. */
export const begin = (...extra: readonly Header[]): Piece => headers([...GRPC, ...extra]);

/** The trailers of an answer that has a header. */
export const trailers = (...list: readonly Header[]): Piece => headers(list, { end: true });

/** An answer that is one block of headers. */
export const trailersOnly = (...extra: readonly Header[]): Piece => headers([...GRPC, ...extra], { end: true });

/** The trailers of a good answer. */
export const OK: Piece = trailers(['grpc-status', '0']);

/** The trailers of a call that has failed. */
export const FAILED: Piece = trailers(['grpc-status', '5']);

/** Bytes of the answer's body, in one frame. */
export const data =
  (bytes: Uint8Array, { end = false } = {}): Piece =>
  (stream) =>
    frame(TYPE.DATA, { stream, flags: end ? END_STREAM : 0, payload: bytes });

/** One whole, empty message. */
export const MESSAGE: Piece = data(message());

export const resetStream =
  (code: number): Piece =>
  (stream) =>
    frame(TYPE.RST_STREAM, { stream, payload: uint32(code) });

/** GOAWAY for the streams after `last`; by default after that of the call. */
export const goAway =
  (code: number, last?: number): Piece =>
  (stream) =>
    frame(TYPE.GOAWAY, { payload: Buffer.concat([uint32(last ?? stream), uint32(code)]) });
