import type { ServerOptions, Settings } from 'node:http2';
import { FLOW_CONTROL_WINDOW_BYTES } from '../transport/grpc/options.js';

// The limits of what a client may take from a server. Each is set here, even if it is Node's default today, because
// a later Node must not change it. `limits.test.ts` pins them.

/** Node's options with the limits of reset streams. The types of Node 20 lack them; Node 22.11 and later have them. */
export interface Http2Options extends ServerOptions {
  /** How many streams a client may reset at once. */
  readonly streamResetBurst: number;
  /** How many more it may reset per second. */
  readonly streamResetRate: number;
  readonly settings: Settings & { readonly initialWindowSize: number };
}

/** What differs between the ports of services and a port that anyone may reach. */
export interface SessionLimits {
  /** How many streams a client may have open over one connection. Each costs memory, whether it is a call or only headers. */
  readonly streams: number;
  /**
   * The longest header block. Clients of Go, Java and C++ refuse a longer one themselves. If a client ignores it, as Node's does, the
   * server resets that one stream. Without this limit, a field of more than 64 KiB, or a block of more than nine frames, closes the
   * connection with every other call on it. No block within 64 KiB has either, and no other setting prevents it. See ADR 0038.
   */
  readonly headerBytes: number;
  /**
   * The memory of one connection, in MB: its open streams, its tables, and the replies that wait for the client.
   * Beyond it new streams are refused until the client reads.
   */
  readonly sessionMemoryMb: number;
  /** How many streams a client may reset at once, and how many more per second. Node closes the connection of one that resets more. */
  readonly resetsAtOnce: number;
  readonly resetsPerSecond: number;
  /**
   * How many streams in a row may be refused before Node closes the connection. New streams of a client with many unread replies are
   * refused until it reads, and its open calls must survive that. Node allows 100.
   */
  readonly refusedStreams: number;
}

/**
 * What services and the registry allow. Each call that a client cancels, or whose deadline passes at the client first, resets a stream.
 * These limits suit a gateway, whose callers share one connection, and still bound the work that a client can start for nothing.
 */
export const SERVICE_LIMITS: SessionLimits = {
  streams: 10_000,
  headerBytes: 64 * 1024,
  sessionMemoryMb: 128,
  resetsAtOnce: 20_000,
  resetsPerSecond: 10_000,
  refusedStreams: 10_000,
};

/** The options of HTTP/2 with these limits. */
export const http2Options = (limits: SessionLimits): Http2Options => ({
  settings: {
    maxConcurrentStreams: limits.streams,
    maxHeaderListSize: limits.headerBytes,
    initialWindowSize: FLOW_CONTROL_WINDOW_BYTES,
    enablePush: false,
  },
  maxHeaderListPairs: 128,
  maxSettings: 32,
  /** Pings of this side that a client hasn't answered. */
  maxOutstandingPings: 10,
  /** What a client may make the server keep of headers that it sends again, in bytes. */
  maxDeflateDynamicTableSize: 4 * 1024,
  maxSessionMemory: limits.sessionMemoryMb,
  streamResetBurst: limits.resetsAtOnce,
  streamResetRate: limits.resetsPerSecond,
  maxSessionRejectedStreams: limits.refusedStreams,
  maxSessionInvalidFrames: 1_000,
});

/** How long a client may be silent before it is pinged, and then how long it may take to answer. */
export const PINGS = { afterMs: 10_000, answerMs: 20_000 } as const;

/** How long a client has for its first byte, then for its TLS handshake, and then for its first HTTP/2 frame. Milliseconds. */
export const HANDSHAKE_MS = 10_000;

/** How many of the longest requests the requests of one client may have together that haven't come whole; those of all, twice as many. */
export const MAX_UNFINISHED = 64;

/**
 * How many calls of all clients may be open, streams and calls that wait for a handler alike; one client has at most half of what the
 * others leave free. An open call keeps about 14 KB besides its metadata and its request, which count if they are long.
 */
export const MAX_OPEN_CALLS = 32_768;

/** What an open call counts at least, and how much of that is for its metadata and its request. Bytes. */
export const OPEN_CALL = { leastBytes: 16 * 1024, partsBytes: 8 * 1024 } as const;

/** How long a request may take to arrive if nothing else limits its call. Milliseconds. */
export const MAX_RECEIVE_MS = 300_000;

/**
 * The most connections in all, and from one address: a Rondo process has one connection to an instance, and few
 * machines run more than a thousand processes. Each connection costs about 50 KB.
 */
export const CONNECTIONS = { most: 10_000, ofOneAddress: 2_500 } as const;

/** Bounds of unread replies in frames, in bytes: above `held`, a client must read something every `stallMs`; above `most`, its connection closes. */
export const UNREAD = { held: 32 * 1024 * 1024, most: 256 * 1024 * 1024, stallMs: 5_000 } as const;
