import type { ChannelOptions } from '@grpc/grpc-js';
import { COMPRESSIONS, type Compression } from '../../contract/index.js';
import type { TransportOptions } from '../transport.js';
import { serverNameOptions, type TlsOptions } from './credentials.js';

/** What of a connection can be set. */
export interface GrpcTransportOptions extends TransportOptions {
  /**
   * The longest message of a reply that is taken, in bytes; 4 MiB by default, as in gRPC, and 2 GiB - 1 at most. Longer
   * ones are `RESOURCE_EXHAUSTED`. Other libraries call it `max_receive_message_length`.
   */
  readonly maxReplyBytes?: number | undefined;
  /** How long one attempt to connect may take, HTTP/2 settings included. Milliseconds; 1,000 by default. */
  readonly connectTimeoutMs?: number | undefined;
  /** Plaintext where it is missing; `{}` is TLS with a server that the machine trusts. */
  readonly tls?: TlsOptions | undefined;
  /**
   * How requests are compressed where neither their call nor the contract says; not at all by default. Servers that don't
   * take gzip get none of it from their first answer on.
   */
  readonly compression?: Compression | undefined;
}

/** What is counted in 31 bits: a message's length, and what a timer of Node's takes. */
const MAX_INTEGER = 2 ** 31 - 1;

/**
 * Checks what is set of a connection, but for `tls`.
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

const DEFAULT_MAX_REPLY_BYTES = 4 * 1024 * 1024;

/** A frozen Rondo peer is noticed within the two together. Milliseconds. */
const MIN_PING_INTERVAL_MS = 1_000;
export const PEER_PING_TIMEOUT_MS = 500;

/** How often a peer is asked that says how often it may be. Milliseconds; undefined for all others. */
export function peerPingIntervalMs({ minPingIntervalMs }: GrpcTransportOptions): number | undefined {
  return minPingIntervalMs === undefined ? undefined : Math.max(MIN_PING_INTERVAL_MS, minPingIntervalMs);
}

/**
 * Servers of C++, Go and Java close a connection that is pinged more than twice before 5 min have passed, or 2 h where
 * no call is in flight, unless they have sent something meanwhile. The rest is for clocks that differ. Milliseconds.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/keepalive.md
 */
const FOREIGN_KEEPALIVE: ChannelOptions = {
  'grpc.keepalive_time_ms': 5 * 60_000 + 10_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.keepalive_permit_without_calls': 0,
};

/** What grpc-js calls it. */
const GZIP = 2;

/** grpc-js as a plain connection to one address: no retries, no balancing, no look-ups of its own. */
export function channelOptions(options: GrpcTransportOptions): ChannelOptions {
  const { maxReplyBytes = DEFAULT_MAX_REPLY_BYTES, tls, compression } = options;
  return {
    'grpc.enable_channelz': 0,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    // Messages kept for retries count as sent: without room for any, back-pressure is the connection's own.
    'grpc.per_rpc_retry_buffer_size': -1,
    'grpc.initial_reconnect_backoff_ms': 100,
    // grpc-js adds up to a fifth: no attempt comes more than 1 s after the one before.
    'grpc.max_reconnect_backoff_ms': 800,
    // A container that is made anew has another address under its old name; by default that is looked up every 30 s.
    'grpc.dns_min_time_between_resolutions_ms': 1000,
    ...(peerPingIntervalMs(options) === undefined ? FOREIGN_KEEPALIVE : {}),
    'grpc.max_receive_message_length': maxReplyBytes,
    ...(compression === 'gzip' && { 'grpc.default_compression_algorithm': GZIP }),
    ...serverNameOptions(tls),
  };
}
