import { configuredReplyLimit } from '@rondo/rpc/client';
import { UsageError } from '../usage-error.js';

/** The longest reply that a call takes, in bytes: `RONDO_MAX_REPLY_BYTES`; undefined for the default. */
export function callerReplyLimit(environment: Readonly<Record<string, string | undefined>>): number | undefined {
  try {
    return configuredReplyLimit(environment['RONDO_MAX_REPLY_BYTES']);
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}
