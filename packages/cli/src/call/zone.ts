import { checkZone } from '@rondo/rpc/resolver';
import { UsageError } from '../usage-error.js';

/** Where the command runs, as `--zone` says or else `RONDO_ZONE`; empty where neither does. */
export function callerZone(environment: Readonly<Record<string, string | undefined>>, option?: string): string {
  try {
    if (option !== undefined) return checkZone(option.trim(), '--zone');
    return checkZone(environment['RONDO_ZONE']?.trim() ?? '', 'RONDO_ZONE');
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}
