import type { RegistryChannelOptions } from '@rondo/rpc/client';
import {
  type BalancingOverrides,
  checkZone,
  configuredBalancing,
  configuredBreakers,
  configuredBulkheads,
  configuredReplyLimit,
  configuredTransport,
} from '@rondo/rpc/internal';
import { UsageError } from './errors.js';

/** The balancing overrides of `RONDO_BALANCING`: they outrank the contracts. */
export function balancingOverrides(environment: Readonly<Record<string, string | undefined>>): BalancingOverrides {
  return readUsage(() => configuredBalancing(environment['RONDO_BALANCING']));
}

/** The zone of this client, `region/zone`: `--zone`, else `RONDO_ZONE`, else empty. */
export function callerZone(environment: Readonly<Record<string, string | undefined>>, option?: string): string {
  return readUsage(() =>
    option === undefined
      ? checkZone(environment['RONDO_ZONE']?.trim() ?? '', 'RONDO_ZONE')
      : checkZone(option.trim(), '--zone'),
  );
}

/** The settings of calls and of the connections that carry them. */
export type Connections = Pick<RegistryChannelOptions, 'breakers' | 'bulkheads' | 'maxReplyBytes' | 'tunnel'>;

/**
 * The settings that `RONDO_BREAKER`, `RONDO_BULKHEAD`, `RONDO_MAX_REPLY_BYTES` and `RONDO_TRANSPORT` give.
 */
export function callerConnections(environment: Readonly<Record<string, string | undefined>>): Connections {
  return readUsage(() => ({
    breakers: configuredBreakers(environment['RONDO_BREAKER']),
    bulkheads: configuredBulkheads(environment['RONDO_BULKHEAD']),
    maxReplyBytes: configuredReplyLimit(environment['RONDO_MAX_REPLY_BYTES']),
    tunnel: configuredTransport(environment['RONDO_TRANSPORT']) === 'tunnel',
  }));
}

/** What `read` returns. @throws UsageError in place of its TypeErrors. */
function readUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}
