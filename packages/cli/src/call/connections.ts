import { configuredCompression, configuredReplyLimit, type RegistryChannelOptions } from '@rondo/rpc/client';
import { UsageError } from '../usage-error.js';

/** What of the connections to those who are called can be set. */
export type Connections = Pick<RegistryChannelOptions, 'maxReplyBytes' | 'compression'>;

/** What `RONDO_MAX_REPLY_BYTES` and `RONDO_COMPRESSION` say of them. */
export function callerConnections(environment: Readonly<Record<string, string | undefined>>): Connections {
  try {
    return {
      maxReplyBytes: configuredReplyLimit(environment['RONDO_MAX_REPLY_BYTES']),
      compression: configuredCompression(environment['RONDO_COMPRESSION']),
    };
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}
