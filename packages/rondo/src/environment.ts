import type { ChannelOptions } from '@rondo/rpc/client';
import { type BalancingOverrides, checkZone, configuredBalancing, configuredTransport } from '@rondo/rpc/internal';
import { asUsage } from './errors.js';

/** The balancing overrides of `RONDO_BALANCING`: they outrank the contracts. */
export function balancingOverrides(environment: Readonly<Record<string, string | undefined>>): BalancingOverrides {
  return asUsage(() => configuredBalancing(environment['RONDO_BALANCING']));
}

/** The zone of this client, `region/zone`: `--zone`, else `RONDO_ZONE`, else empty. */
export function callerZone(environment: Readonly<Record<string, string | undefined>>, option?: string): string {
  return asUsage(() =>
    option === undefined
      ? checkZone(environment['RONDO_ZONE']?.trim() ?? '', 'RONDO_ZONE')
      : checkZone(option.trim(), '--zone'),
  );
}

/** The settings of the connections that carry calls. */
export type Connections = Pick<ChannelOptions, 'maxReplyBytes' | 'frames'>;

/** Who runs a command sees its reply, also one that services wouldn't take. */
const MAX_REPLY_BYTES = 256 * 1024 * 1024;

export function callerConnections(environment: Readonly<Record<string, string | undefined>>): Connections {
  const transport = asUsage(() => configuredTransport(environment['RONDO_TRANSPORT']));
  return { maxReplyBytes: MAX_REPLY_BYTES, frames: transport !== 'grpc' };
}
