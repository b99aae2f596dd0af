import type { ServerOptions, Settings } from 'node:http2';
import { FLOW_CONTROL_WINDOW_BYTES } from '../../transport/grpc/options.js';

// What a client may take from a server. Each is set here, also if it is Node's own default today: a later Node, and grpc-js,
// which turns some off, must not change it. `limits.test.ts` pins them.

/** Node's options with the limits of reset streams. The types of Node 20 lack them; Node 22.11 and later have them. */
export interface Http2Options extends ServerOptions {
  /** How many streams a client may reset at once. */
  readonly streamResetBurst?: number;
  /** How many more it may reset per second. */
  readonly streamResetRate?: number;
}

/** How long a client has for its TLS handshake. Milliseconds. */
export const HANDSHAKE_MS = 10_000;

/** How long it then has for the first frame of HTTP/2. Milliseconds. */
export const SETTINGS_MS = 10_000;

/** How many streams a client may have open over one connection. Each costs memory, whether it is a call or only headers. */
const MAX_STREAMS = 10_000;

/**
 * What a server tells its clients: the most streams, the longest header block, and the window of each stream.
 *
 * Clients of Go, Java and C++ refuse a longer header block themselves. If a client
 * ignores it, such as Node's, Node resets that one stream. Without this limit, a field of more than 64 KiB, or a block
 * of more than nine frames, closes the connection with every other call on it, and no other setting prevents that: no
 * block of this size has either. See ADR 0038.
 */
const SETTINGS: Settings = {
  maxConcurrentStreams: MAX_STREAMS,
  maxHeaderListSize: 64 * 1024,
  initialWindowSize: FLOW_CONTROL_WINDOW_BYTES,
  enablePush: false,
};

/** How many of the longest requests a connection's requests may have together that haven't come whole. */
export const MAX_UNFINISHED = 64;

/** How long a request may take to come whole if nothing else limits its call. Milliseconds. */
export const MAX_RECEIVE_MS = 300_000;

/** The options of the HTTP/2 server. */
export const HTTP2_OPTIONS: Http2Options = {
  settings: SETTINGS,
  /** Headers of a request. */
  maxHeaderListPairs: 128,
  /** Entries of a SETTINGS frame. */
  maxSettings: 32,
  /** Pings of this side that a client hasn't answered. */
  maxOutstandingPings: 10,
  /** What a client may make the server keep of headers that it sends again, in bytes. */
  maxDeflateDynamicTableSize: 4 * 1024,
  /**
   * In MB: what a connection's open streams, tables, and replies that wait for the client have together. Beyond it new streams are
   * refused, until the client reads. grpc-js sets no limit.
   */
  maxSessionMemory: 128,
  /** Each call that a client cancels, or whose deadline passes at the client first, resets a stream. Node allows 1,000 at once
   * and 33 a second, and closes the connection of a client that resets more, with every other call on it. These limits suit a
   * gateway, whose callers share one connection, and still bound the work that a client can start for nothing.
   */
  streamResetBurst: 20_000,
  streamResetRate: 10_000,
  /**
   * How many streams in a row may be refused, and frames be invalid, before Node closes the connection. A client that has much unread is
   * refused streams until it reads, and must not lose the calls that it has: Node allows 100.
   */
  maxSessionRejectedStreams: MAX_STREAMS,
  maxSessionInvalidFrames: 1_000,
};

/**
 * The most connections, and those of one address: one Rondo process has one connection to an instance, and few
 * machines run more than a thousand processes. Each connection costs about 50 KB.
 */
export const CONNECTIONS = { most: 10_000, ofOneAddress: 2_500 } as const;

/** The most tunnels over one connection: a Rondo client opens one, and another while the first drains. */
export const MAX_TUNNELS = 8;

/** Above `held`, a client must take something of its replies every `stallMs`; above `most`, its tunnel ends. Bytes. */
export const UNREAD = { held: 32 * 1024 * 1024, most: 256 * 1024 * 1024, stallMs: 5_000 } as const;
