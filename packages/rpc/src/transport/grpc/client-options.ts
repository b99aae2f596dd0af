import type { ClientOptions } from '@grpc/grpc-js';
import type { LinkOptions } from '../link.js';
import { DEFAULT_MAX_REPLY_BYTES, FLOW_CONTROL_WINDOW_BYTES, USER_AGENT } from './options.js';

/** What grpc-js asks a server to be, if it is known by the name of its process: an IP address can't be asked for. */
const ANY_PROCESS = 'process.rondo.invalid';
/** grpc-js's number for gzip. */
const GZIP = 2;
/** The longest that Node's timers take. */
const NEVER_MS = 2 ** 31 - 1;

/** Makes a client of grpc-js a plain connection to one address: without its retries, balancing, lookups and reconnects. */
export function clientOptions(options: LinkOptions): ClientOptions {
  const { maxReplyBytes = DEFAULT_MAX_REPLY_BYTES, tls, mutualTls, compressed } = options;
  const serverName = tls?.serverName;
  const asked = mutualTls === undefined ? serverName : ANY_PROCESS;
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
    'grpc.client_idle_timeout_ms': NEVER_MS,
    'grpc.max_receive_message_length': maxReplyBytes,
    ...(compressed === true && { 'grpc.default_compression_algorithm': GZIP }),
    ...(asked !== undefined && { 'grpc.ssl_target_name_override': asked }),
    ...(serverName !== undefined && { 'grpc.default_authority': serverName }),
  };
}
