import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { PoolStatus } from '@rondo/contracts/rondo/stats/v1/stats';
import { Status } from '@rondo/rpc/status';
import type { Sampled } from '../top/sampler.js';

/** Notes how full the parts are. */
export type Fill = ReturnType<typeof noteFill>;
/** How full the parts of a system were during a step: shares from 0 to 1. */
export type Fullness = ReturnType<Fill['read']>;

/** An event loop, or a machine, is full from this share on: what is left is between its tasks. */
const FULL = 0.85;
/** A pool is full if calls waited for it at this share of the readings. */
const OFTEN_WAITED = 0.5;

export function noteFill() {
  const loops = new Map<string, number[]>();
  const waits = new Map<string, { instance: string; pool: PoolStatus; waited: number; readings: number }>();
  const silent = new Set<string>();
  let refused = 0;
  const own = performance.eventLoopUtilization();
  const before = processorTimes();
  return {
    record({ instance: { instanceId }, state, flows, busy, pools = [] }: Sampled): void {
      if (state === 'unreachable') silent.add(instanceId);
      if (busy !== undefined) loops.set(instanceId, [...(loops.get(instanceId) ?? []), busy]);
      for (const pool of pools) {
        const key = `${instanceId} ${pool.name}`;
        const { waited, readings } = waits.get(key) ?? { waited: 0, readings: 0 };
        const isWaited = pool.waiting > 0 ? 1 : 0;
        waits.set(key, { instance: instanceId, pool, waited: waited + isWaited, readings: readings + 1 });
      }
      for (const { ended } of flows) refused += ended.get(Status.RESOURCE_EXHAUSTED) ?? 0;
    },
    /** What was noted, for a generator that began its calls so late at the 99th percentile. */
    read(lateMs: number) {
      const busiest = [...loops]
        .map(([instance, shares]) => ({ instance, busy: mean(shares) }))
        .sort((a, b) => b.busy - a.busy)[0];
      const longest = [...waits.values()]
        .map(({ instance, pool: { name, max }, waited, readings }) => ({
          instance,
          name,
          max,
          waited: waited / readings,
        }))
        .sort((a, b) => b.waited - a.waited)[0];
      const after = processorTimes();
      return {
        /** The busiest event loop of an instance; null if none tells. */
        eventLoop: busiest ?? null,
        /** The pool of database connections of which calls waited most often; null if calls waited for none. */
        pool: longest !== undefined && longest.waited > 0 ? longest : null,
        /** The calls that instances refused by their limits. */
        refused,
        /** The instances that didn't tell their counters within a second. */
        silent: [...silent],
        generator: { busy: performance.eventLoopUtilization(own).utilization, lateMs },
        machine: (after.busy - before.busy) / Math.max(1, after.all - before.all),
      };
    },
  };
}

/** What was full, in words, the nearest cause first; empty if nothing that is measured was. */
export function fullParts(fullness: Fullness): readonly string[] {
  const { eventLoop, pool, refused, silent, generator, machine } = fullness;
  const own = `${percent(generator.busy)} busy, and it began calls up to ${Math.round(generator.lateMs)} ms late`;
  const parts: readonly (readonly [isFull: boolean, words: string])[] = [
    [isOfGenerator(fullness), `this load generator: its event loop was ${own}. The service may carry more`],
    [
      pool !== null && pool.waited >= OFTEN_WAITED,
      `the pool of ${pool?.instance}: calls waited for its ${pool?.max} connections to ${pool?.name}`,
    ],
    [refused > 0, `admission: instances refused ${refused} calls by their limits`],
    [
      eventLoop !== null && eventLoop.busy >= FULL,
      `the event loop of ${eventLoop?.instance}: ${percent(eventLoop?.busy ?? 0)} busy`,
    ],
    [silent.length > 0, `${silent.join(', ')}: no answer within a second to the question what was full`],
    [
      machine >= FULL,
      `the processors of this machine: ${percent(machine)} busy. All that runs here shares them, this load generator too`,
    ],
  ];
  return parts.flatMap(([isFull, words]) => (isFull ? [words] : []));
}

/** Whether the generator itself was full: then a figure isn't of the service. */
export const isOfGenerator = ({ generator }: Pick<Fullness, 'generator'>): boolean => generator.busy >= FULL;

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;

/** Milliseconds since the start of the machine, over all processors. */
function processorTimes(): { readonly busy: number; readonly all: number } {
  const times = cpus().map(({ times: { user, nice, sys, irq, idle } }) => ({ busy: user + nice + sys + irq, idle }));
  const busy = times.reduce((sum, one) => sum + one.busy, 0);
  return { busy, all: busy + times.reduce((sum, { idle }) => sum + idle, 0) };
}
