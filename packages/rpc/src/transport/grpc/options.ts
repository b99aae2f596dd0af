import { COMPRESSIONS, type Compression } from '../../contract/policy.js';
import type { TransportOptions } from '../transport.js';
import { checkTls, type TlsOptions } from './tls-options.js';

/** Settings of a connection. */
export interface GrpcTransportOptions extends TransportOptions {
  /**
   * The longest reply message, in bytes; 4 MiB by default, as in gRPC, and at most 2 GiB - 1. A longer one is
   * `RESOURCE_EXHAUSTED`. Other libraries call this `max_receive_message_length`.
   */
  readonly maxReplyBytes?: number | undefined;
  /** The timeout of one connection attempt, HTTP/2 settings included. Milliseconds; 1,000 by default. */
  readonly connectTimeoutMs?: number | undefined;
  /** TLS with a server of another system, instead of `mutualTls`; `{}` trusts what the machine trusts. */
  readonly tls?: TlsOptions | undefined;
  /**
   * The compression of requests if neither the call nor the contract sets one; none by default. Servers that don't
   * accept gzip get none after their first answer.
   */
  readonly compression?: Compression | undefined;
  /**
   * Whether calls to servers that take frames go by them, at a fraction of the cost of gRPC. True by default; proxies that have to
   * see each call need false.
   */
  readonly frames?: boolean | undefined;
}

/** The largest 31-bit number: the limit of a message's length and of Node's timers. */
const MAX_INTEGER = 2 ** 31 - 1;

/**
 * Checks the settings of a connection.
 *
 * @throws TypeError that names the option and its rule.
 */
export function checkOptions(options: GrpcTransportOptions): void {
  const { maxReplyBytes, connectTimeoutMs, minPingIntervalMs, compression, tls } = options;
  if (tls !== undefined) checkTls(tls);
  if (compression !== undefined && !COMPRESSIONS.includes(compression)) {
    throw new TypeError(`compression is "${compression}": give ${COMPRESSIONS.join(' or ')}`);
  }
  const numbers = [
    ['maxReplyBytes', maxReplyBytes, 'bytes'],
    ['connectTimeoutMs', connectTimeoutMs, 'milliseconds'],
    ['minPingIntervalMs', minPingIntervalMs, 'milliseconds'],
  ] as const;
  for (const [name, value, unit] of numbers) {
    if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= MAX_INTEGER)) continue;
    throw new TypeError(`${name} is ${value}: give a whole number of ${unit} from 1 to ${MAX_INTEGER}`);
  }
}

/**
 * The flow-control window of a stream and of a connection: how much a peer may send before this side has read it.
 * An unread stream holds this much memory.
 */
export const FLOW_CONTROL_WINDOW_BYTES = 256 * 1024;

/** How Rondo's clients begin their `user-agent`, by which servers recognise them. */
export const USER_AGENT = 'rondo';

/** Half of the shortest deadlines, so that a call which finds one instance silent can still try another. Milliseconds. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 1_000;

export const DEFAULT_MAX_REPLY_BYTES = 4 * 1024 * 1024;

/** How a client watches its peer. Milliseconds. */
interface PeerPings {
  /** The interval while calls with one reply are in flight, while only streams are, and while no call is. */
  readonly activeIntervalMs: number;
  readonly idleIntervalMs: number;
  readonly unusedIntervalMs: number;
  readonly silentAfterMs: number;
  readonly timeoutMs: number;
}

/**
 * While a call waits for its reply, a peer counts as silent half a second after its last bytes: the sum of this
 * interval, the timeout below, and at most a quarter of the interval until the next check. Milliseconds.
 */
const ACTIVE_INTERVAL_MS = 200;
const SILENT_AFTER_MS = 250;
const IDLE_INTERVAL_MS = 1_000;
const UNUSED_INTERVAL_MS = 5_000;
/** With the interval, the connection of a silent peer ends 5 s after its last bytes, one without calls 10 s. Milliseconds. */
const TIMEOUT_MS = 4_750;

/**
 * How peers are watched that don't say how often they may be pinged. Servers in C++, Go and Java close a connection that is
 * pinged more than twice within 5 min, or within 2 h if no call is in flight, unless they have sent something meanwhile. The
 * margin is for clocks that differ.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/keepalive.md
 */
const RARE_PINGS: PeerPings = {
  activeIntervalMs: 310_000,
  idleIntervalMs: 310_000,
  unusedIntervalMs: 7_500_000,
  silentAfterMs: 20_000,
  timeoutMs: 20_000,
};

/** How a client watches its peer. */
export function peerPings({ minPingIntervalMs }: Pick<GrpcTransportOptions, 'minPingIntervalMs'>): PeerPings {
  if (minPingIntervalMs === undefined) return RARE_PINGS;
  return {
    activeIntervalMs: Math.max(ACTIVE_INTERVAL_MS, minPingIntervalMs),
    idleIntervalMs: Math.max(IDLE_INTERVAL_MS, minPingIntervalMs),
    unusedIntervalMs: Math.max(UNUSED_INTERVAL_MS, minPingIntervalMs),
    silentAfterMs: SILENT_AFTER_MS,
    timeoutMs: TIMEOUT_MS,
  };
}
