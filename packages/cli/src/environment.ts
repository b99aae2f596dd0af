import { type BalancingOverrides, parseBalancing } from '@rondo/rpc/contract';
import { UsageError } from './errors.js';
import { checkZone } from '@rondo/rpc/resolver';
import { configuredCompression, configuredReplyLimit, type RegistryChannelOptions } from '@rondo/rpc/client';

/** How services are balanced beside what their contracts say: what `RONDO_BALANCING` tells every client. */
export function balancingOverrides(environment: Readonly<Record<string, string | undefined>>): BalancingOverrides {
  const text = environment['RONDO_BALANCING']?.trim() ?? '';
  if (text === '') return {};
  const { overrides, faults } = parseBalancing(text);
  if (faults.length > 0) throw new UsageError(`RONDO_BALANCING "${text}": ${faults.join('; ')}`);
  return overrides;
}

/** Where the command runs, as `--zone` says or else `RONDO_ZONE`; empty where neither does. */
export function callerZone(environment: Readonly<Record<string, string | undefined>>, option?: string): string {
  try {
    if (option !== undefined) return checkZone(option.trim(), '--zone');
    return checkZone(environment['RONDO_ZONE']?.trim() ?? '', 'RONDO_ZONE');
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

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
