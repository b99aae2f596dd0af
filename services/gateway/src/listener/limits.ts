/** What the public listener grants a client. Times are in milliseconds, sizes in bytes. */
export interface ListenerLimits {
  readonly connections: number;
  /** Open connections of one client: of an IPv4 address, or of an IPv6 network of 64 bits. */
  readonly connectionsPerClient: number;
  /** From the connection to its first bytes, and then to the end of the TLS handshake. */
  readonly handshakeMs: number;
  /** For the headers of an HTTP/1.1 request, and for the first request of an HTTP/2 connection. */
  readonly headersMs: number;
  /** How long an HTTP/1.1 connection stays open without a request. */
  readonly keepAliveMs: number;
  /** How long an HTTP/2 connection stays open without a request. */
  readonly idleMs: number;
  /** An HTTP/2 client that has been silent for this long is pinged. */
  readonly pingAfterMs: number;
  /** How long it then has to answer. */
  readonly pingAnswerMs: number;
  /** All headers of a request, and one of them. */
  readonly headerBytes: number;
  /** How many headers an HTTP/1.1 request may have. */
  readonly headers: number;
  /** Concurrent requests of an HTTP/2 connection. */
  readonly streams: number;
  /** Open requests of one client over HTTP/2, in all its connections: over HTTP/1.1 a connection has one. */
  readonly streamsPerClient: number;
  /** How long a body may arrive more slowly than `bodyBytesPerSecond`. */
  readonly bodyGraceMs: number;
  readonly bodyBytesPerSecond: number;
  /**
   * What requests of all clients may take until they are answered, and parts of streams until their rest comes, beyond the first 4 KiB
   * of each. One client takes half of what is free at most.
   */
  readonly unfinishedBytes: number;
  /** What messages and answers may take that wait for their clients, beyond 16 KiB of each. One client takes half of what is free at most. */
  readonly unreadBytes: number;
  /** How long a client may read nothing while a part of the answer waits for it. */
  readonly stallMs: number;
  /** How much of a body is read and forgotten once the answer has ended, and for how long. */
  readonly discardBytes: number;
  readonly discardMs: number;
  /** How often the times are checked: each may be exceeded by this. */
  readonly tickMs: number;
}

export const DEFAULT_LIMITS: ListenerLimits = {
  connections: 10_000,
  connectionsPerClient: 1_000,
  handshakeMs: 10_000,
  headersMs: 10_000,
  keepAliveMs: 75_000,
  idleMs: 300_000,
  pingAfterMs: 10_000,
  pingAnswerMs: 20_000,
  headerBytes: 16 * 1024,
  headers: 100,
  streams: 250,
  streamsPerClient: 1_000,
  bodyGraceMs: 10_000,
  bodyBytesPerSecond: 1024,
  unfinishedBytes: 64 * 1024 * 1024,
  unreadBytes: 128 * 1024 * 1024,
  stallMs: 60_000,
  discardBytes: 64 * 1024,
  discardMs: 2_000,
  tickMs: 1_000,
};
