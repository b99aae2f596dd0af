import { Status } from '../../src/status/index.js';
import { END_HEADERS, END_STREAM, frame, type Header, headersFrame, message, TYPE, uint32 } from '../attacks/frames.js';

/** The kinds of method. */
export const KINDS = ['unary', 'clientStream', 'serverStream', 'bidiStream'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * A piece of an answer: frames on the stream of the call, or what is done to the connection. `seen` waits until the
 * client has read all before it, so that the rest comes in a later turn of its event loop.
 */
export type Piece = ((stream: number) => Uint8Array) | 'seen' | 'end' | 'reset';

/**
 * What a call ends with: the same for all kinds of method, or one for those of one reply and one for streams of them; or either
 * of two, where versions of Node differ.
 */
type Code = Status | Readonly<{ one: Status; many: Status }> | Readonly<{ either: readonly Status[] }>;

/** One broken answer, and what a call must end with that gets it. */
export interface Answer {
  readonly name: string;
  readonly code: Code;
  readonly pieces: readonly Piece[];
  /** Whether other calls go on over the same connection. */
  readonly connection: 'stands' | 'ends';
  /** What the server begins the connection with, in the place of its settings. */
  readonly greeting?: Uint8Array;
  /** Whether the server answers before it has read the request. */
  readonly early?: boolean;
  /** Whether Node 20 reads nothing more of the connection, so that not even its end is seen there. */
  readonly deafens?: boolean;
  /** How long the call may take. Only a server that says nothing more makes use of that. Milliseconds. */
  readonly timeoutMs?: number;
}

/** An answer that spoils no more than its call. */
export function answer(name: string, code: Code, ...pieces: readonly Piece[]): Answer {
  return { name, code, pieces, connection: 'stands' };
}

/** An answer that ends its connection. */
export function ending(name: string, code: Code, ...pieces: readonly Piece[]): Answer {
  return { name, code, pieces, connection: 'ends' };
}

/** How long Node 20 has for what it will never hear. Milliseconds. */
const DEAF_MS = 300;

/**
 * An answer that breaks HTTP/2 so badly that Node 20 goes deaf: it tells the server so, tells grpc-js nothing, and never
 * reads again. There only keepalive, or the deadline, ends the call; Node 24 ends the connection at once.
 */
export function deafening(name: string, ...pieces: readonly Piece[]): Answer {
  return { ...ending(name, Status.UNAVAILABLE, ...pieces), deafens: true, timeoutMs: DEAF_MS };
}

/** What `answer` may make a call of `kind` end with. */
export function codesFor({ code, deafens }: Answer, kind: Kind): readonly Status[] {
  if (deafens) return [Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED];
  if (typeof code === 'number') return [code];
  if ('either' in code) return code.either;
  return [kind === 'unary' || kind === 'clientStream' ? code.one : code.many];
}

/** For answers that are none to a method of one reply, but are to one that may have none. */
export const UNLESS_MANY: Code = { one: Status.UNIMPLEMENTED, many: Status.OK };

/** A block of headers, whatever stands in it. */
export const headers =
  (list: readonly Header[], { end = false } = {}): Piece =>
  (stream) =>
    headersFrame(list, { stream, flags: END_HEADERS | (end ? END_STREAM : 0) });

/** What answers of gRPC begin with. */
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

/** What ends a good answer. */
export const OK: Piece = trailers(['grpc-status', '0']);

/** Bytes of the answer's body, in one frame. */
export const data =
  (bytes: Uint8Array, { end = false } = {}): Piece =>
  (stream) =>
    frame(TYPE.DATA, { stream, flags: end ? END_STREAM : 0, payload: bytes });

/** One whole message, which is empty. */
export const MESSAGE: Piece = data(message());

export const resetStream =
  (code: number): Piece =>
  (stream) =>
    frame(TYPE.RST_STREAM, { stream, payload: uint32(code) });

/** The end of the connection, which has taken the streams up to `last`; that of the call by default. */
export const goAway =
  (code: number, last?: number): Piece =>
  (stream) =>
    frame(TYPE.GOAWAY, { payload: Buffer.concat([uint32(last ?? stream), uint32(code)]) });

/** Bytes, whatever they are. */
export const raw =
  (...bytes: readonly Uint8Array[]): Piece =>
  () =>
    Buffer.concat(bytes);
