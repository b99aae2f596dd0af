import { TraceFilter, TraceOrder, type WatchTracesResponse } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { type Gatherer, listTraces, splitSilent, watchTraces } from '@rondo/operate/internal';
import { addPart, joined, type KnownParts, newestFirst, slowestFirst } from '@rondo/operate/page';
import { sleep } from '@rondo/rpc/clock';
import { gathererAt } from '../call/target.js';
import { gathererOf, openRegistryChannel } from '../channels.js';
import { defineCommand, type RunContext } from '../command.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-code.js';
import { flag, valued } from '../help.js';
import { duration, jsonOption, registryOption, whole } from '../options.js';
import { registryAddresses } from '../registry/locate.js';
import { tableLook } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import { formatTraces } from '../tracing/format.js';
import { showTrace, tellSilent } from '../tracing/show.js';

export const trace = defineCommand({
  name: 'trace',
  summary: 'Shows a call as a tree of spans over all processes, or lists the last calls.',
  details: [
    'It asks each registered instance for the spans that it keeps in memory. npm start and rondo dev let each process keep',
    'those of the last minutes; elsewhere set RONDO_RECENT_BYTES. The id is in errors, in logs and in x-request-id; a text that',
    'has it will do, and so will its beginning if no other trace has the same. A row is a span, below the one that caused it:',
    'AT and TOOK are milliseconds, SELF is the time in which nothing below it ran (docs/guides/observe.md). With',
    'RONDO_AUTH=on it needs a token with the scope traces.read, in RONDO_TOKEN.',
  ].join('\n'),
  options: {
    slow: flag('List the slowest traces, streams last.'),
    errors: flag('List traces in which a span failed.'),
    follow: { ...flag('Print traces as they end, until Ctrl-C.'), short: 'f' },
    name: valued('TEXT', 'Only traces with a span whose name contains this, such as QuoteService/.'),
    min: duration('100ms', 'Only traces that took at least so long.'),
    limit: whole('N', 'The most traces: 20 by default.', 1_000),
    ...registryOption,
    ...jsonOption,
  },
  args: { text: '[id] …' },
  examples: [
    ['trace 4bf92f3577b34da6a3ce929d0e0e4736', 'One call.'],
    ['trace --slow --name QuoteService/', 'The slowest calls of a service.'],
    ['trace --errors -f', 'What fails, as it fails.'],
  ],
  exitCodes: { FAILED: 'There is no such trace, or those that could have one refuse; standard error says why.' },
  async run({ text: words, slow, errors: failed, follow, name, min, limit: most }, context) {
    const { clock, signal, stdout } = context;
    const id = parseId(words.join(' '));
    const limit = most ?? 20;
    const isList = slow || failed || follow || [name, min, most].some((value) => value !== undefined);
    if (id !== undefined && isList) throw new UsageError('give the id of a trace, or say which to list');
    if (follow && slow) throw new UsageError('--follow shows traces as they end: give --min instead of --slow');
    const filter = TraceFilter.fromPartial({ failed, name: name ?? '', minDurationMs: min ?? 0 });
    const registry = await registryAddresses(context);
    if (follow) {
      // Also processes that come later.
      const channel = await openRegistryChannel({ registry, clock });
      await followTraces(filter, gathererOf(channel, clock), context).finally(() => channel.close());
      return undefined;
    }
    const gatherer = await gathererAt({ by: 'registry', registry }, context);
    if (id !== undefined) return await showTrace({ traceId: id, gatherer }, context);
    const order = slow ? TraceOrder.TRACE_ORDER_SLOWEST : TraceOrder.TRACE_ORDER_NEWEST;
    const found = await listTraces({ filter, order, pageSize: limit }, gatherer, { signal });
    const traces = found.traces.toSorted(slow ? slowestFirst : newestFirst).slice(0, limit);
    const text = traces.length === 0 ? 'no traces\n' : formatTraces(traces, tableLook(stdout));
    await context.print({ json: { traces }, text });
    signal.throwIfAborted();
    await tellSilent(found.silent, context);
    const isUnknown = traces.length === 0 && splitSilent(found.silent).unreachable.length > 0;
    return isUnknown ? ExitCode.FAILED : ExitCode.OK;
  },
});

/** Finds the id in a text, such as an error's; a text of hexadecimal digits may be its beginning. */
function parseId(text: string): string | undefined {
  if (text === '') return undefined;
  const id = /(?<![\da-f])[\da-f]{32}(?![\da-f])/i.exec(text)?.[0] ?? /^[\da-f]{4,31}$/i.exec(text)?.[0];
  if (id !== undefined) return id.toLowerCase();
  throw new UsageError(`"${text}" has no trace id: 32 hexadecimal digits, or the first 4 of them or more`);
}

/** How long a trace rests before it is printed: other processes may still tell of it. */
const REST_MS = 500;
/** More traces than these aren't held back. */
const MAX_HELD = 10_000;

async function followTraces(
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
