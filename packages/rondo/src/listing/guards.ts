import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  BreakerState,
  CallStatsServiceDefinition,
  type GetCallStatsResponse,
  type GuardedMethod,
} from '@rondo/contracts/rondo/stats/v1/stats';
import { enumName } from '@rondo/operate/internal';
import { createClient } from '@rondo/rpc/client';
import type { Asking } from '../deadline.js';
import type { Paint } from '../terminal/terminal.js';
import { formatAge, printable } from '../terminal/text.js';
import { askEach } from './check.js';

/** The breaker and the bulkhead of an instance for a method that it calls. */
export interface InstanceGuard {
  readonly instanceId: string;
  readonly guard: GuardedMethod;
}

/** What each instance tells of its calls, by its id. */
export type Stats = ReadonlyMap<string, GetCallStatsResponse>;

/** Asks each instance what it tells of its calls. An instance that can't be reached, or doesn't tell, is missing. */
export const askStats = (instances: readonly Instance[], asking: Asking): Promise<Stats> =>
  askEach(instances, asking, (channel, signal) =>
    createClient(CallStatsServiceDefinition, { channel }).getCallStats({}, { signal }),
  );

export const guardsIn = (stats: Stats): readonly InstanceGuard[] =>
  [...stats].flatMap(([instanceId, { guardedMethods }]) => guardedMethods.map((guard) => ({ instanceId, guard })));

/** The breakers among `guards` that aren't closed, and the bulkheads that are full. */
export function refusing(guards: readonly InstanceGuard[]): readonly InstanceGuard[] {
  return guards.map(({ instanceId, guard }) => {
    const { breaker, bulkhead } = guard;
    const full = bulkhead !== undefined && bulkhead.inFlight >= bulkhead.maxCalls;
    const shown = { breaker: isOpen(breaker?.state) ? breaker : undefined, bulkhead: full ? bulkhead : undefined };
    return { instanceId, guard: { ...guard, ...shown } };
  });
}

/** The guards, a line for each breaker and each bulkhead; empty if there are none. */
export function formatGuards(guards: readonly InstanceGuard[], nowMs: number, paint: Paint): string {
  const lines = guards.flatMap((one) => linesOf(one, nowMs));
  return lines.length === 0 ? '' : `\n${lines.map((line) => `${paint('yellow', printable(line))}\n`).join('')}`;
}

function linesOf({ instanceId, guard }: InstanceGuard, nowMs: number): readonly string[] {
  const { service, method, breaker, bulkhead } = guard;
  const lines: string[] = [];
  if (breaker !== undefined) {
    const { openTime, reason } = breaker;
    const since = openTime === undefined ? '' : ` since ${formatAge(nowMs - openTime.getTime())}: ${reason}`;
    lines.push(`${instanceId}: its breaker of ${service}/${method} is ${nameOf(breaker.state)}${since}`);
  }
  if (bulkhead !== undefined) {
    const { inFlight, maxCalls, queued, maxQueued } = bulkhead;
    const use = `${inFlight} of ${maxCalls} calls in flight, ${queued} of ${maxQueued} waiting`;
    lines.push(`${instanceId}: its bulkhead of ${service}/${method} has ${use}`);
  }
  return lines;
}

/** A guard for `--json`. */
export function viewGuard({ instanceId, guard: { service, method, breaker, bulkhead } }: InstanceGuard) {
  return {
    instanceId,
    service,
    method,
    breaker: breaker && {
      state: nameOf(breaker.state),
      openTime: breaker.openTime ?? null,
      reason: breaker.reason,
      openings: Number(breaker.openings),
      refused: Number(breaker.refused),
    },
    bulkhead: bulkhead && { ...bulkhead, refused: Number(bulkhead.refused) },
  };
}

const isOpen = (state: BreakerState | undefined): boolean =>
  state === BreakerState.BREAKER_STATE_OPEN || state === BreakerState.BREAKER_STATE_HALF_OPEN;

/** `half open` */
const nameOf = (state: BreakerState): string =>
  enumName(BreakerState[state], 'BREAKER_STATE_', state).toLowerCase().replace('_', ' ');
