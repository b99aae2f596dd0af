import type { RegistryChannelOptions } from '@rondo/rpc/client';
import {
  type BalancingOverrides,
  checkZone,
  configuredBreakers,
  configuredBulkheads,
  configuredReplyLimit,
  configuredTransport,
  parseBalancing,
} from '@rondo/rpc/internal';
import { UsageError } from './errors.js';

/** The balancing overrides of `RONDO_BALANCING`: they outrank the contracts. */
export function balancingOverrides(environment: Readonly<Record<string, string | undefined>>): BalancingOverrides {
  const text = environment['RONDO_BALANCING']?.trim() ?? '';
  if (text === '') return {};
  const { overrides, faults } = parseBalancing(text);
  if (faults.length > 0) throw new UsageError(`RONDO_BALANCING "${text}": ${faults.join('; ')}`);
  return overrides;
}

/** The zone of this client, `region/zone`: `--zone`, else `RONDO_ZONE`, else empty. */
export function callerZone(environment: Readonly<Record<string, string | undefined>>, option?: string): string {
  try {
    if (option !== undefined) return checkZone(option.trim(), '--zone');
    return checkZone(environment['RONDO_ZONE']?.trim() ?? '', 'RONDO_ZONE');
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

/** The settings of calls and of the connections that carry them. */
export type Connections = Pick<RegistryChannelOptions, 'breakers' | 'bulkheads' | 'maxReplyBytes' | 'tunnel'>;

/**
 * The settings that `RONDO_BREAKER`, `RONDO_BULKHEAD`, `RONDO_MAX_REPLY_BYTES` and `RONDO_TRANSPORT` give.
 */
export function callerConnections(environment: Readonly<Record<string, string | undefined>>): Connections {
  try {
    return {
      breakers: configuredBreakers(environment['RONDO_BREAKER']),
      bulkheads: configuredBulkheads(environment['RONDO_BULKHEAD']),
      maxReplyBytes: configuredReplyLimit(environment['RONDO_MAX_REPLY_BYTES']),
      tunnel: configuredTransport(environment['RONDO_TRANSPORT']) === 'tunnel',
    };
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}
