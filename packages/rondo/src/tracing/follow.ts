import type { TraceFilter, WatchTracesResponse } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { type Gatherer, watchTraces } from '@rondo/operate/internal';
import { addPart, joined, type KnownParts } from '@rondo/operate/page';
import { sleep } from '@rondo/rpc/clock';
import type { RunContext } from '../command.js';
import { tableLook } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import { formatTraces } from './format.js';

/** How long a trace rests before it is printed: other processes may still tell of it. */
const REST_MS = 500;
/** More traces than these aren't held back. */
const MAX_HELD = 10_000;

/** Prints traces as they end, until Ctrl-C. */
export async function followTraces(
  filter: TraceFilter,
  gatherer: Gatherer,
  { clock, signal, json, stdout, stderr }: RunContext,
): Promise<void> {
  const held: KnownParts = new Map();
  const endedAt = new Map<string, number>();
  const faults = new Set<string>();
  const take = ({ instanceId, traces, leftOut }: WatchTracesResponse): number => {
    const fitting = traces.filter(({ traceId }) => held.size < MAX_HELD || held.has(traceId));
    for (const part of fitting) {
      addPart(held, part, instanceId);
      endedAt.set(part.traceId, clock.now());
    }
    return leftOut + traces.length - fitting.length;
  };
  const follow = async () => {
    for await (const { answers, silent } of watchTraces({ filter, order: 0, listed: 0 }, gatherer, { signal })) {
      for (const one of answers) {
        const leftOut = take(one);
        if (leftOut > 0)
          await stderr.write(`${one.instanceId}: ${leftOut} traces left out: they come faster than they are read\n`);
      }
      for (const { instanceId, reason } of silent) {
        const fault = `${instanceId} can't be followed: ${printable(reason || 'it has left')}\n`;
        if (!faults.has(fault)) await stderr.write(fault);
        faults.add(fault);
      }
    }
  };
  const following = follow();
  for (let isFirst = true; !signal.aborted; await sleep(clock, REST_MS / 2, signal).catch(() => undefined)) {
    const rested = [...held].filter(([traceId]) => clock.now() - (endedAt.get(traceId) ?? 0) >= REST_MS);
    if (rested.length === 0) continue;
    for (const [traceId] of rested) {
      held.delete(traceId);
      endedAt.delete(traceId);
    }
    const traces = rested.map(([, parts]) => joined(parts));
    const lines = traces.map((trace) => `${JSON.stringify(trace)}\n`).join('');
    const table = formatTraces(traces, tableLook(stdout));
    await stdout.write(json ? lines : isFirst ? table : table.slice(table.indexOf('\n') + 1));
    isFirst = false;
  }
  await following;
}
