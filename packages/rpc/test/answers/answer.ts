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

/**
 * The expected status of a call: the same for all kinds of method, one for unary replies and another for streams, or
 * either of two if versions of Node differ.
 */
type Code = Status | Readonly<{ one: Status; many: Status }> | Readonly<{ either: readonly Status[] }>;

/** One broken answer, and the expected outcome of the call that gets it. */
export interface Answer {
  readonly name: string;
  readonly code: Code;
  readonly pieces: readonly Piece[];
  /** Whether other calls on the same connection continue. */
  readonly connection: 'stands' | 'ends';
  /** The first bytes of the server on the connection, instead of its settings. */
  readonly greeting?: Uint8Array;
  /** Whether the server answers before it has read the request. */
  readonly early?: boolean;
  /** Whether Node 20 stops reading the connection, so that it doesn't even notice its end. */
  readonly deafens?: boolean;
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

/** The deadline for an answer that Node 20 never reads. Milliseconds. */
const DEAF_MS = 300;

/**
 * Answers that violate HTTP/2 so badly that Node 20 stops reading: it tells the server, reports nothing to grpc-js, and
 * never reads again. Then only keepalive, or the deadline, ends the call. Node 24 closes the connection at once.
 */
export const deafenings = (rows: Rows): readonly Answer[] =>
  endings(Status.UNAVAILABLE, rows).map((each) => ({ ...each, deafens: true, timeoutMs: DEAF_MS }));

/** The statuses with which a call of `kind` may end after `answer`. */
export function codesFor({ code, deafens }: Answer, kind: Kind): readonly Status[] {
  if (deafens) return [Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED];
  if (typeof code === 'number') return [code];
  if ('either' in code) return code.either;
  return [kind === 'unary' || kind === 'clientStream' ? code.one : code.many];
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

/** Raw bytes. */
export const raw =
  (...bytes: readonly Uint8Array[]): Piece =>
  () =>
    Buffer.concat(bytes);
