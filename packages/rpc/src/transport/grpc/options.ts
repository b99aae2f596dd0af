import type { ChannelOptions } from '@grpc/grpc-js';
import type { Clock, Random } from '@rondo/base';
import { COMPRESSIONS, type Compression } from '../../contract/policy.js';
import type { TransportOptions } from '../transport.js';
import { serverNameOptions, type TlsOptions } from './credentials.js';

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

/** Options of a connection that its transport sets. */
export interface ConnectionOptions extends GrpcTransportOptions {
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Runs on each reset when the connection can bear few more, or none for now. */
  readonly onScarceResets?: (() => void) | undefined;
}

/** The largest 31-bit number: the limit of a message's length and of Node's timers. */
const MAX_INTEGER = 2 ** 31 - 1;

/**
 * Checks the settings of a connection, except `tls`.
 *
 * @throws TypeError that names the option and its rule.
 */
export function checkOptions(options: GrpcTransportOptions): void {
  const { maxReplyBytes, connectTimeoutMs, minPingIntervalMs, compression } = options;
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

/** How a client watches a Rondo peer. Milliseconds. */
interface PeerPings {
  /** The interval while calls with one reply are in flight, and while none is. */
  readonly activeIntervalMs: number;
  readonly idleIntervalMs: number;
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
/** With the interval, the connection of a silent peer ends 5 s after its last bytes. Milliseconds. */
const TIMEOUT_MS = 4_750;

/** How a client watches a peer that advertises how often it can be pinged; undefined for all others. */
export function peerPings({ minPingIntervalMs }: GrpcTransportOptions): PeerPings | undefined {
  if (minPingIntervalMs === undefined) return undefined;
  return {
    activeIntervalMs: Math.max(ACTIVE_INTERVAL_MS, minPingIntervalMs),
    idleIntervalMs: Math.max(IDLE_INTERVAL_MS, minPingIntervalMs),
    silentAfterMs: SILENT_AFTER_MS,
    timeoutMs: TIMEOUT_MS,
  };
}

/**
 * Keepalive towards other gRPC servers. Servers in C++, Go and Java close a connection that is pinged more than twice
 * within 5 min, or within 2 h if no call is in flight, unless they have sent something meanwhile. The margin is for
 * clocks that differ. Milliseconds.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/keepalive.md
 */
const FOREIGN_KEEPALIVE: ChannelOptions = {
  'grpc.keepalive_time_ms': 5 * 60_000 + 10_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.keepalive_permit_without_calls': 0,
};

/** grpc-js's number for gzip. */
const GZIP = 2;

/** Makes grpc-js a plain connection to one address: without its retries, balancing and lookups. */
export function channelOptions(options: GrpcTransportOptions): ChannelOptions {
  const { maxReplyBytes = DEFAULT_MAX_REPLY_BYTES, tls, compression } = options;
  return {
    'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
    'grpc.primary_user_agent': USER_AGENT,
    'grpc.enable_channelz': 0,
    // Instances are called directly, never through the web proxy that a shell names in http_proxy.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    // Messages buffered for retries count as sent. Without a buffer, back-pressure is that of the connection.
    'grpc.per_rpc_retry_buffer_size': -1,
    // grpc-js sees no unary calls, and would close a connection that has nothing else.
    'grpc.client_idle_timeout_ms': MAX_INTEGER,
    'grpc.initial_reconnect_backoff_ms': 100,
    // grpc-js adds up to a fifth, so attempts are at most 1 s apart.
    'grpc.max_reconnect_backoff_ms': 800,
    // A recreated container has a new address under its old name; by default grpc-js looks it up every 30 s.
    'grpc.dns_min_time_between_resolutions_ms': 1000,
    ...(options.minPingIntervalMs === undefined ? FOREIGN_KEEPALIVE : {}),
    'grpc.max_receive_message_length': maxReplyBytes,
    ...(compression === 'gzip' && { 'grpc.default_compression_algorithm': GZIP }),
    ...serverNameOptions(tls),
  };
}
