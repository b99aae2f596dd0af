import { expect, it } from '@jest/globals';
import { LogServiceDefinition } from '@rondo/contracts/rondo/logs/v1/logs';
import { TraceServiceDefinition, type TraceSummary } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { type Channel, type Endpoint, fixedEndpoint } from '@rondo/rpc/client';
import type { ResolverListener } from '@rondo/rpc/internal';
import { createTestChannel, ManualClock, standIn } from '@rondo/rpc/testing';
import { createGatherer } from './gather.js';
import { findTrace, readLogs, watchTraces } from './traces.js';

const OUTCOME = { streaming: false, status: 'OK', refused: false };
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const endpoint = (instanceId: string): Endpoint => fixedEndpoint(`${instanceId}:1`, { instanceId });
const summary = (traceId: string): TraceSummary => {
  return { traceId, name: 'a.v1.S/M', startUnixMs: 1, durationMs: 1, spans: 1, failedSpans: 0, ...OUTCOME };
};

/** Instances that keep so many spans each, and a registry that lists them. One with none doesn't serve the contract. */
function start(spans: Readonly<Record<string, number>>) {
  const clock = new ManualClock();
  const listeners = new Set<ResolverListener>();
  const counts = { connections: 0, watches: 0, ended: 0 };
  const serviceOf = (instanceId: string) =>
    standIn(TraceServiceDefinition, {
      getTrace: () => ({
        instanceId,
        traceIds: [TRACE],
        spans: Array.from({ length: spans[instanceId] ?? 0 }, (_, at) => ({ spanId: String(at) })),
      }),
      listTraces: () => ({ instanceId, traces: [summary('listed')] }),
      async *watchTraces(_, { signal }) {
        counts.watches += 1;
        try {
          while (!signal.aborted) {
            counts.ended += 1;
            yield { instanceId, traces: [summary(`ended-${counts.ended}`)] };
          }
        } finally {
          counts.watches -= 1;
        }
      },
    });
  const hanging = standIn(LogServiceDefinition, {
    async *readLogs(_, { signal }) {
      yield { lines: ['a line'] };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  });
  const test = createTestChannel({ services: [], clock });
  const channel: Channel = {
    ...test,
    direct([at]) {
      const instanceId = at?.address.replace(':1', '') ?? '';
      counts.connections += 1;
      const services = spans[instanceId] === 0 ? [] : [serviceOf(instanceId), hanging];
      const direct = createTestChannel({ services, clock });
      const close = () => {
        counts.connections -= 1;
        direct.close();
      };
      return { ...direct, close };
    },
    followAll(listener) {
      listeners.add(listener);
      listener.onResolution({ endpoints: Object.keys(spans).map(endpoint), departed: [] });
      return { close: () => listeners.delete(listener) };
    },
  };
  const list = (...ids: readonly string[]) => {
    for (const listener of listeners) listener.onResolution({ endpoints: ids.map(endpoint), departed: [] });
  };
  const gone = new AbortController();
  const asker = { signal: gone.signal, principal: undefined, client: 'a' };
  return { gatherer: createGatherer({ channel, clock }), clock, list, counts, listeners, gone, asker };
}

async function collected<T>(events: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const untilFree = async ({ counts, listeners }: ReturnType<typeof start>) => {
  while (counts.connections + counts.watches + listeners.size > 0) await new Promise(setImmediate);
};

it('asks each instance once for a trace, says which keep none, and ends', async () => {
  const parts = start({ a: 2, b: 1, off: 0 });
  const events = await collected(findTrace({ traceId: TRACE }, parts.gatherer, parts.asker));
  const answers = events.flatMap((event) => event.answers.map(({ instanceId, spans }) => [instanceId, spans.length]));
  expect(answers.sort()).toEqual([
    ['a', 2],
    ['b', 1],
  ]);
  expect(events.flatMap(({ silent }) => silent)).toEqual([
    { instanceId: 'off', reason: 'it keeps no spans: its RONDO_RECENT_BYTES is 0' },
  ]);
  await untilFree(parts);
});

it('waits three seconds for an instance that does not end', async () => {
  const parts = start({ a: 1 });
  const all = collected(readLogs({ logs: undefined, instanceId: '' }, parts.gatherer, parts.asker));
  await parts.clock.advance(3_000);
  const events = await all;
  expect(events.flatMap(({ answers }) => answers.flatMap(({ lines }) => lines))).toEqual(['a line']);
  expect(events.flatMap(({ silent }) => silent)).toMatchObject([
    { instanceId: 'a', reason: expect.stringContaining('3000 ms') },
  ]);
  await untilFree(parts);
});

it('passes on a bounded number of spans', async () => {
  const { gatherer, asker } = start({ a: 9_000, b: 9_000 });
  const events = await collected(findTrace({ traceId: TRACE }, gatherer, asker));
  const answers = events.flatMap((event) => event.answers);
  expect(answers.reduce((sum, { spans }) => sum + spans.length, 0)).toBe(10_000);
  expect(answers.reduce((sum, { lostSpans }) => sum + lostSpans, 0)).toBe(8_000);
});

it('tells what each instance lists and then what ends there, no faster than it is read, also of those that come later', async () => {
  const parts = start({ a: 1 });
  const { gatherer, clock, list, counts, gone, asker } = parts;
  const events = watchTraces({ filter: undefined, order: 0 }, gatherer, asker);
  const seen = new Set<string>();
  const read = async () => {
    const next = events.next();
    await clock.advance(250);
    const { value } = await next;
    for (const { instanceId, reason } of value?.silent ?? []) if (reason === '') seen.add(`${instanceId} has left`);
    for (const { instanceId, traces } of value?.answers ?? [])
      for (const { traceId } of traces) seen.add(`${instanceId} ${traceId.replace(/\d+/, 'N')}`);
  };
  while (seen.size < 2) await read();
  expect([...seen]).toEqual(['a listed', 'a ended-N']);
  const endedBefore = counts.ended;
  for (let turns = 0; turns < 1_000; turns += 1) await new Promise(setImmediate);
  expect(counts.ended).toBe(endedBefore);
  list('a', 'b');
  while (seen.size < 4) await read();
  list('b');
  while (counts.watches > 1 || seen.size < 5) await read();
  expect([...seen].at(-1)).toBe('a has left');
  gone.abort();
  await read();
  await untilFree(parts);
  expect(clock.timers).toBe(0);
});

it('refuses more queries than it may have, and connects once for all of them', async () => {
  const parts = start({ a: 1 });
  const { gatherer, counts, gone, asker } = parts;
  const ask = (client: string) => watchTraces({ filter: undefined, order: 0 }, gatherer, { ...asker, client });
  const refusal = 'pages watch traces, logs, transactions or jobs as often as they may: 64 in all';
  const open = Array.from({ length: 32 }, () => ask('a'));
  await Promise.all(open.map((one) => one.next()));
  // One operator has half of them.
  await expect(ask('a').next()).rejects.toThrow(refusal);
  const others = Array.from({ length: 32 }, (_, index) => ask(`b${index}`));
  await Promise.all(others.map((one) => one.next()));
  open.push(...others);
  expect(counts.connections).toBe(1);
  await expect(ask('c').next()).rejects.toThrow(refusal);
  gone.abort();
  await parts.clock.advance(250);
  await Promise.all(open.map((one) => one.next()));
  await untilFree(parts);
  expect(
    (
      await watchTraces({ filter: undefined, order: 0 }, gatherer, {
        ...asker,
        signal: new AbortController().signal,
      }).next()
    ).done,
  ).toBe(false);
});
