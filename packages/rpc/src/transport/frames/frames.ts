import type { Metadata } from '../../call/metadata.js';

// The frames of rondo/frames/v1/frames.proto. Every call passes here, so frame-writer.ts and frame-reader.ts write and read
// them without the objects that generated code makes of each message. frames.ci.test.ts compares both.

/** Frames that can't be read: the peer doesn't keep to the contract. */
export class FrameError extends Error {}

/** The version of the frames that this code speaks. */
export const FRAMES_VERSION = 2;
/** How a client begins: the first byte is neither TLS's nor printable. */
export const PREFACE = Buffer.from('f2524f4e444f020a', 'hex');
/** The name of frames over TLS. */
export const FRAMES_ALPN = 'rondo/2';

/** The most open calls of one connection; further calls wait at the client. It is large enough to keep a server busy. */
export const MAX_CALLS = 16_384;
/** The most that requests in `call` frames of open calls have together: 4 KiB each. Bytes. */
export const MAX_UNANSWERED_BYTES = 64 * 1_024 * 1_024;
/** The longest request in a `call` frame. A longer one goes in pieces. Bytes. */
export const MAX_REQUEST_BYTES = 64 * 1_024;
/** The longest body of a frame: that request, and as much metadata as a call may have. Bytes. */
export const MAX_BODY_BYTES = 256 * 1_024;
/** The most methods that one connection calls. */
export const MAX_METHODS = 4_096;
export const METHOD_PATH = /^\/[\x21-\x7e]{1,255}$/;

/** The longest piece of a message. Bytes. */
export const PIECE_BYTES = 16 * 1_024;
/** What a frame of a message takes of the credit besides its data: an empty message takes memory, too. Bytes. */
export const MESSAGE_COST = 16;
/** How much of one call a peer may send before it is read. Bytes. */
export const CALL_WINDOW_BYTES = 256 * 1_024;
/** How much of all calls it may send before it is read: 256 calls that nothing reads don't stop the others. Bytes. */
export const CONNECTION_WINDOW_BYTES = 256 * CALL_WINDOW_BYTES;

/** The kinds of frames. */
export const KIND = {
  hello: 1,
  welcome: 2,
  call: 3,
  message: 4,
  halfClose: 5,
  header: 6,
  end: 7,
  cancel: 8,
  credit: 9,
  ping: 10,
  pong: 11,
  goAway: 12,
} as const;

/** A call to be sent, or received. */
export interface CallFrame {
  readonly id: number;
  readonly method: number;
  /** Empty unless this is the first call of the method. */
  readonly path: string;
  /** Milliseconds; undefined for no deadline. */
  readonly timeoutMs: number | undefined;
  /** Undefined for a call's first attempt. */
  readonly previousAttempts: number | undefined;
  readonly metadata: Metadata;
  /** The only request; undefined if requests follow in messages. */
  readonly message: Uint8Array | undefined;
  readonly compressed: boolean;
  /** The number of the assertion on whose behalf the call is made; missing or 0 for no one. */
  readonly principal?: number;
  /** Missing unless this is the first call with the number. */
  readonly assertion?: string | undefined;
}

/** What carries the frames of an end: a socket. */
export interface FrameSocket {
  /** Writes bytes. `taken` runs once they were handed to the operating system. */
  write(bytes: Buffer, taken: () => void): void;
  /** Delivers no bytes for now. */
  pause(): void;
  resume(): void;
  /** Ends this side. */
  end(): void;
  destroy(): void;
}

/** A message, or a piece of one. */
export interface MessageFrame<Data extends Uint8Array = Buffer> {
  readonly id: number;
  readonly data: Data;
  readonly more: boolean;
  /** 0 unless this is the first of several pieces. */
  readonly totalBytes: number;
  readonly compressed: boolean;
}

/** The header of a call. */
export interface HeaderFrame {
  readonly id: number;
  readonly metadata: Metadata | undefined;
}

/** A failed call. */
export interface FailureFrame {
  readonly code: number;
  readonly message: string;
  /** An encoded `google.rpc.Status`; undefined without details. */
  readonly details: Uint8Array | undefined;
  /** Undefined if the trailer isn't sent. */
  readonly notHandled: string | undefined;
  /** Undefined if the trailer isn't sent. */
  readonly retryPushback: string | undefined;
}

/** The end of a call. */
export interface EndFrame {
  readonly id: number;
  /** The only reply, or the last one. */
  readonly message: Uint8Array | undefined;
  readonly header: Metadata | undefined;
  readonly trailer: Metadata | undefined;
  readonly failure: FailureFrame | undefined;
}

/** Protobuf's wire types. Source: https://protobuf.dev/programming-guides/encoding/ */
export const WIRE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/** The tag of a field that is a number or a truth value. */
const numberTag = (field: number): number => (field << 3) | WIRE.varint;
/** The tag of a field that is bytes, text or a message. */
export const bytesTag = (field: number): number => (field << 3) | WIRE.lengthDelimited;

// The tags of their fields.
export const CALL = {
  id: numberTag(1),
  method: numberTag(2),
  path: bytesTag(3),
  timeoutMs: numberTag(4),
  metadata: bytesTag(5),
  message: bytesTag(6),
  compressed: numberTag(7),
  previousAttempts: numberTag(8),
  assertion: bytesTag(9),
  principal: numberTag(10),
} as const;
export const MESSAGE = {
  id: numberTag(1),
  data: bytesTag(2),
  more: numberTag(3),
  totalBytes: numberTag(4),
  compressed: numberTag(5),
} as const;
export const HEADER = { id: numberTag(1), metadata: bytesTag(2) } as const;
export const END = {
  id: numberTag(1),
  message: bytesTag(2),
  header: bytesTag(3),
  trailer: bytesTag(4),
  failure: bytesTag(5),
} as const;
/** Of frames about one call, and of credit. */
export const ABOUT = { id: numberTag(1), bytes: numberTag(2) } as const;
export const ENTRY = { key: bytesTag(1), value: bytesTag(2) } as const;
export const FAILURE = {
  code: numberTag(1),
  message: bytesTag(2),
  details: bytesTag(3),
  notHandled: bytesTag(4),
  retryPushback: bytesTag(5),
} as const;
