import type { TraceFilter, WatchTracesResponse } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { sleep } from '@rondo/rpc/clock';
import { addPart, joined, type KnownParts } from '@rondo/service/traces';
import type { CommandContext } from '../command.js';
import { reasonOf } from '../errors.js';
import { tableLook } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import { formatTraces } from './format.js';
import { type Asked, askOne } from './gather.js';

/** How long a trace rests before it is printed: other processes may still tell of it. */
const REST_MS = 500;
/** How often the registered instances are read again. */
const REFRESH_MS = 5_000;
/** More traces than these aren't held back. */
const MAX_HELD = 10_000;

/** Prints traces as they end, until Ctrl-C. */
export async function followTraces(
  filter: TraceFilter,
  processes: () => Promise<readonly Asked[]>,
  { context, json }: { readonly context: CommandContext; readonly json: boolean },
): Promise<void> {
  const { clock, signal, stdout, stderr } = context;
  const held: KnownParts = new Map();
  const toldAt = new Map<string, number>();
  const watched = new Set<string>();
  const faults = new Set<string>();
  const take = (instanceId: string, { traces, leftOut }: WatchTracesResponse): number => {
    const fitting = traces.filter(({ traceId }) => held.size < MAX_HELD || held.has(traceId));
    for (const part of fitting) {
      addPart(held, part, instanceId);
      toldAt.set(part.traceId, clock.now());
    }
    return leftOut + traces.length - fitting.length;
  };
  const watch = async ({ instanceId, address }: Asked): Promise<void> => {
    if (watched.has(instanceId)) return;
    watched.add(instanceId);
    try {
      await askOne(address, async (client) => {
        for await (const told of client.watchTraces({ filter }, { signal })) {
          const leftOut = take(instanceId, told);
          if (leftOut > 0)
            await stderr.write(`${instanceId}: ${leftOut} traces left out: they come faster than they are read\n`);
        }
      });
    } catch (error) {
      const fault = `${instanceId} can't be followed: ${printable(reasonOf(error))}\n`;
      if (!signal.aborted && !faults.has(fault)) await stderr.write(fault);
      faults.add(fault);
    } finally {
      watched.delete(instanceId);
    }
  };
  let readAt = Number.NEGATIVE_INFINITY;
  let isFirst = true;
  while (!signal.aborted) {
    if (clock.now() - readAt >= REFRESH_MS) {
      for (const process of await processes()) void watch(process);
      readAt = clock.now();
    }
    await sleep(clock, REST_MS / 2, signal).catch(() => undefined);
    const rested = [...held].filter(([traceId]) => clock.now() - (toldAt.get(traceId) ?? 0) >= REST_MS);
    if (rested.length === 0) continue;
    for (const [traceId] of rested) {
      held.delete(traceId);
      toldAt.delete(traceId);
    }
    const traces = rested.map(([, parts]) => joined(parts));
    const lines = traces.map((trace) => `${JSON.stringify(trace)}\n`).join('');
    await stdout.write(json ? lines : formatTraces(traces, { ...tableLook(stdout), heading: isFirst }));
    isFirst = false;
  }
}
