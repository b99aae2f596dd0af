import { TunnelServiceDefinition } from '@rondo/contracts/rondo/tunnel/v1/tunnel';
import type { Metadata } from '../../call/metadata.js';
import { bytesTag, numberTag } from './wire-format.js';

// The frames of rondo/tunnel/v1/tunnel.proto. Every call passes here, so frame-writer.ts and frame-reader.ts write and read
// them without the objects that generated code makes of each message. frames.ci.test.ts compares both.

/** The version of the frames that this code speaks. */
export const TUNNEL_VERSION = 1;
/** The path of the stream. */
export const TUNNEL_PATH = `/${TunnelServiceDefinition.fullName}/${TunnelServiceDefinition.methods.connect.name}`;

/** The most unanswered calls of one tunnel; further calls wait at the client. It is large enough to keep a server busy. */
export const MAX_CALLS = 16_384;
/** The most that their requests have together: 4 KiB each. Bytes. */
export const MAX_UNANSWERED_BYTES = 64 * 1_024 * 1_024;
/** Longer requests would keep the others waiting. Bytes. */
export const MAX_REQUEST_BYTES = 64 * 1_024;
/** The most bytes of all unfinished replies that come in pieces. A single reply may be longer. */
export const MAX_UNFINISHED_BYTES = 16 * 1_024 * 1_024;
/** The most methods that one tunnel calls. */
export const MAX_METHODS = 4_096;
export const METHOD_PATH = /^\/[\x21-\x7e]{1,255}$/;

/** Messages with frames are shorter than this. Bytes. */
const MAX_MESSAGE_BYTES = 1_024 * 1_024;

/** Whether an end that takes messages of so many bytes can have tunnels. */
export const hasRoomForFrames = (maxMessageBytes: number): boolean => maxMessageBytes >= MAX_MESSAGE_BYTES;

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
  readonly message: Uint8Array;
  /** The number of the assertion on whose behalf the call is made; missing or 0 for no one. */
  readonly principal?: number;
  /** Missing unless this is the first call with the number. */
  readonly assertion?: string | undefined;
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

/** A reply to be sent, or received, or a piece of one. */
export interface ReplyFrame {
  readonly id: number;
  readonly message: Uint8Array;
  /** 0 unless this is the first of several pieces. */
  readonly totalBytes: number;
  readonly more: boolean;
  readonly header: Metadata | undefined;
  readonly trailer: Metadata | undefined;
  readonly failure: FailureFrame | undefined;
}

// The tags of their fields.
export const REQUEST = { hello: bytesTag(1), calls: bytesTag(2) } as const;
export const RESPONSE = { welcome: bytesTag(1), replies: bytesTag(2), goAway: bytesTag(3) } as const;
export const CALL = {
  id: numberTag(1),
  method: numberTag(2),
  path: bytesTag(3),
  timeoutMs: numberTag(4),
  metadata: bytesTag(5),
  message: bytesTag(6),
  cancel: numberTag(7),
  previousAttempts: numberTag(8),
  assertion: bytesTag(9),
  principal: numberTag(10),
} as const;
export const ENTRY = { key: bytesTag(1), value: bytesTag(2) } as const;
export const REPLY = {
  id: numberTag(1),
  message: bytesTag(2),
  totalBytes: numberTag(3),
  more: numberTag(4),
  header: bytesTag(5),
  trailer: bytesTag(6),
  failure: bytesTag(7),
} as const;
export const FAILURE = {
  code: numberTag(1),
  message: bytesTag(2),
  details: bytesTag(3),
  notHandled: bytesTag(4),
  retryPushback: bytesTag(5),
} as const;
