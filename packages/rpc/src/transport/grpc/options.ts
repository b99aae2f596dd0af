import type { ChannelOptions } from '@grpc/grpc-js';

/** What of a connection can be set. */
export interface GrpcTransportOptions {
  /** The longest reply taken, in bytes; 4 MiB by default, as in gRPC. Longer ones are `RESOURCE_EXHAUSTED`. */
  readonly maxReplyBytes?: number;
  /** How long one attempt to connect may take, HTTP/2 settings included. Milliseconds; 1,000 by default. */
  readonly connectTimeoutMs?: number;
}

const DEFAULT_MAX_REPLY_BYTES = 4 * 1024 * 1024;

/** grpc-js as a plain connection to one address: no retries, no balancing, no look-ups of its own. */
export function channelOptions({ maxReplyBytes = DEFAULT_MAX_REPLY_BYTES }: GrpcTransportOptions): ChannelOptions {
  return {
    'grpc.enable_channelz': 0,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.use_local_subchannel_pool': 1,
    // Messages kept for retries count as sent: without room for any, back-pressure is the connection's own.
    'grpc.per_rpc_retry_buffer_size': -1,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1000,
    // A container that is made anew has another address under its old name; by default that is looked up every 30 s.
    'grpc.dns_min_time_between_resolutions_ms': 1000,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.max_receive_message_length': maxReplyBytes,
  };
}
