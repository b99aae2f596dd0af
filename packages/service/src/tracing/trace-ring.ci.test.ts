import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import type { Attributes } from '@opentelemetry/api';
import { TraceFilter, TraceOrder } from '@rondo/contracts/rondo/tracing/v1/tracing';
import type { EndedSpan } from './kept-span.js';
import { TraceRing } from './trace-ring.js';

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

/** The heap in use, once nothing is left of an earlier test. */
async function usedHeap(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    await setImmediate();
    gc();
  }
  return process.memoryUsage().heapUsed;
}

const KIB = 1024;
const startedAt = new Date(0);
const { TRACE_ORDER_NEWEST: NEWEST, TRACE_ORDER_SLOWEST: SLOWEST } = TraceOrder;
const hex = (bytes: number): string => randomBytes(bytes).toString('hex');
const ringOf = (maxBytes: number, secrets: readonly string[] = []) => new TraceRing({ maxBytes, secrets, startedAt });

/** What a span has that a test is about. Times in milliseconds. */
interface Given {
  readonly name?: string;
  readonly at?: number;
  readonly ms?: number;
  readonly error?: string;
  readonly attributes?: Attributes;
  /** The parent; by default there is none. */
  readonly below?: { readonly isRemote: boolean };
}

function ended(
  traceId: string,
  { name = 'work', at = 0, ms = 1, error, attributes = {}, below }: Given = {},
): EndedSpan {
  const own = { traceId, spanId: hex(8), traceFlags: 1 };
  const hr = (millis: number): [number, number] => [Math.floor(millis / 1e3), (millis % 1e3) * 1e6];
  return {
    name,
    kind: 0,
    spanContext: () => own,
    parentSpanContext: below && { traceId, spanId: hex(8), traceFlags: 1, ...below },
    startTime: hr(at),
    duration: hr(ms),
    status: error === undefined ? { code: 0 } : { code: 2, message: error },
    attributes,
    events: [],
    links: [],
  };
}

const idsOf = (ring: TraceRing) =>
  ring.list({ filter: undefined, order: NEWEST }, 0, 1_000).traces.map((one) => one.traceId);

describe('the memory of a ring', () => {
  const shapes: Readonly<Record<string, readonly [spans: number, attributes: () => Attributes]>> = {
    'of calls': [10, () => ({ 'rpc.system.name': 'grpc', 'server.port': 50051, 'rondo.instance': hex(8) })],
    'in Cyrillic': [5, () => ({ 'db.query.text': 'ж'.repeat(400) })],
    'with parts of long texts': [3, () => ({ 'url.path': `/${hex(2 * KIB)}`.slice(1, 300) })],
    'of a span each, whose id is part of a long header': [1, () => ({})],
  };

  /** Fills a ring until it forgets. */
  function fill(ring: TraceRing, shape: string): void {
    const [spans, attributes] = shapes[shape] ?? [1, () => ({})];
    while (ring.completeSinceMs === 0) {
      const traceId = shape.includes('header') ? `${hex(16)}${hex(KIB)}`.slice(0, 32) : hex(16);
      for (let count = 0; count < spans; count += 1) ring.add(ended(traceId, { at: 1, attributes: attributes() }));
    }
  }

  it.each(Object.keys(shapes))('is what it says, for traces %s', async (shape) => {
    // So large that what else the process allocates and frees hardly counts.
    const maxBytes = 32_768 * KIB;
    fill(ringOf(64 * KIB), shape);
    const ring = ringOf(maxBytes);
    const before = await usedHeap();
    fill(ring, shape);
    const heap = (await usedHeap()) - before;
    expect(ring.bytes).toBeGreaterThan(0.75 * maxBytes);
    expect(ring.bytes).toBeLessThanOrEqual(maxBytes);
    // Other work of the process may allocate or free a little meanwhile.
    expect(heap / ring.bytes).toBeGreaterThan(0.75);
    expect(heap / ring.bytes).toBeLessThan(1.15);
  });

  it('is for the last traces, and it says since when it has all of them', () => {
    const ring = ringOf(4 * KIB);
    const ids = Array.from({ length: 20 }, () => hex(16));
    for (const [index, traceId] of ids.entries()) ring.add(ended(traceId, { at: index * 100 }));
    const kept = idsOf(ring);
    expect(kept).toEqual(ids.slice(-kept.length).reverse());
    expect(kept.length).toBeGreaterThan(3);
    expect(ring.completeSinceMs).toBe((19 - kept.length) * 100 + 1);
  });

  it('is not all for one trace, whose further spans are counted', () => {
    const ring = ringOf(64 * KIB);
    const [small, large] = [hex(16), hex(16)];
    ring.add(ended(small));
    for (let count = 0; count < 1_000; count += 1) ring.add(ended(large, { ms: count, error: 'no' }));
    const { spans, lostSpans } = ring.get(large);
    expect(spans.length + lostSpans).toBe(1_000);
    expect(spans.length).toBeGreaterThan(50);
    expect(ring.get(small).spans).toHaveLength(1);
    const [summary] = ring.list({ filter: undefined, order: SLOWEST }, 0, 1).traces;
    expect(summary).toMatchObject({ traceId: large, spans: 1_000, failedSpans: 1_000, durationMs: 999 });
  });

  it('has no room for a span beyond its own bound', () => {
    const ring = ringOf(KIB);
    const attributes = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`key ${index}`, 'v'.repeat(KIB)]));
    ring.add(ended(hex(16), { attributes }));
    expect([ring.bytes, idsOf(ring)]).toEqual([0, []]);
  });
});

it('keeps what a span says, cut, and without secrets', () => {
  const ring = ringOf(256 * KIB, ['hunter2-hunter2']);
  const traceId = hex(16);
  const span = ended(traceId, {
    name: 'n'.repeat(500),
    at: 1_500,
    ms: 2.5,
    error: 'hunter2-hunter2 is wrong',
    attributes: { long: 'x'.repeat(2_000), list: ['a', 'b'], count: 3, url: 'http://hunter2-hunter2@there' },
  });
  const events = [
    { name: 'attempt failed', time: [1, 6e8] as [number, number], attributes: { code: 'hunter2-hunter2' } },
  ];
  ring.add({ ...span, events, links: [{ context: { traceId: 'ab', spanId: 'cd', traceFlags: 1 } }] });
  expect(ring.get(traceId).spans).toEqual([
    {
      spanId: span.spanContext().spanId,
      name: 'n'.repeat(128),
      kind: 1,
      startUnixMs: 1_500,
      durationMs: 2.5,
      error: '(hidden) is wrong',
      attributes: { long: 'x'.repeat(512), list: 'a, b', count: '3', url: 'http://(hidden)@there' },
      events: [{ name: 'attempt failed', unixMs: 1_600, attributes: { code: '(hidden)' } }],
      links: [{ traceId: 'ab', spanId: 'cd' }],
    },
  ]);
});

it('finds a trace by the beginning of its id, and all that have the same', () => {
  const ring = ringOf(256 * KIB);
  for (let count = 10; count < 30; count += 1) ring.add(ended(`ab${count}`.padEnd(32, '0')));
  expect(ring.get('ab12')).toMatchObject({ traceIds: ['ab12'.padEnd(32, '0')], spans: [{ name: 'work' }] });
  expect(ring.get('ab')).toMatchObject({ spans: [], traceIds: { length: 10 } });
  expect(ring.get('ff')).toMatchObject({ spans: [], traceIds: [] });
});

it('lists traces by end or duration, by page, and by what is asked of them', () => {
  const ring = ringOf(256 * KIB);
  ring.add(ended('late', { at: 90, ms: 10, name: 'a "quoted" name' }));
  ring.add(ended('slow', { at: 20, ms: 60 }));
  ring.add(ended('slow', { at: 10, ms: 80, name: 'first' }));
  ring.add(ended('failed', { at: 5, ms: 1, error: 'no' }));
  ring.add(ended('watch', { at: 1, ms: 79, attributes: { 'rondo.streaming': true } }));
  const list = (
    filter: Partial<TraceFilter> = {},
    order: TraceOrder = NEWEST,
    [from, most]: readonly [number, number] = [0, 10],
  ) => {
    const { traces, total } = ring.list({ filter: TraceFilter.fromPartial(filter), order }, from, most);
    return [total, ...traces.map(({ traceId, name }) => `${traceId}: ${name}`)];
  };
  expect(list()).toEqual([4, 'late: a "quoted" name', 'slow: first', 'watch: work', 'failed: work']);
  expect(list({}, SLOWEST, [0, 2])).toEqual([4, 'slow: first', 'late: a "quoted" name']);
  expect(list({}, SLOWEST, [2, 2])).toEqual([4, 'failed: work', 'watch: work']);
  expect(list({ failed: true })).toEqual([1, 'failed: work']);
  expect(list({ minDurationMs: 80 })).toEqual([1, 'slow: first']);
  expect(list({ name: '"quoted"' })).toEqual([1, 'late: a "quoted" name']);
  expect(list({ name: 'kind' })).toEqual([0]);
});

it('tells how the first call of a trace ended, and finds those that were refused, and those of a part of the time', () => {
  const ring = ringOf(256 * KIB);
  ring.add(ended('ok', { at: 10, ms: 5, attributes: { 'rpc.response.status_code': 'OK' } }));
  ring.add(ended('conflict', { at: 20, ms: 5, attributes: { 'http.response.status_code': 409 } }));
  ring.add(ended('scope', { at: 30, ms: 5, attributes: { 'rpc.response.status_code': 'PERMISSION_DENIED' } }));
  ring.add(ended('fault', { at: 40, ms: 5, attributes: { 'rpc.response.status_code': 'UNAVAILABLE' } }));
  ring.add(ended('watch', { at: 5, attributes: { 'http.response.status_code': 200, 'rondo.client_left': true } }));
  const list = (filter: Partial<TraceFilter> = {}) =>
    ring.list({ filter: TraceFilter.fromPartial(filter), order: NEWEST }, 0, 10).traces;
  expect(list()).toMatchObject([
    { traceId: 'fault', status: 'UNAVAILABLE', refused: false },
    { traceId: 'scope', status: 'PERMISSION_DENIED', refused: true },
    { traceId: 'conflict', status: '409', refused: true },
    { traceId: 'ok', status: 'OK', refused: false },
    { traceId: 'watch', status: 'left', refused: false },
  ]);
  expect(list({ refused: true })).toMatchObject([{ traceId: 'scope' }, { traceId: 'conflict' }]);
  const [fault, scope] = list();
  const part = { minEndUnixMs: scope?.startUnixMs ?? 0, maxStartUnixMs: fault?.startUnixMs ?? 0 };
  expect(list(part)).toMatchObject([{ traceId: 'scope' }]);
});

it('tells a watcher of what has ended and suits it, counts what a slow one misses, and lets it go', async () => {
  const ring = ringOf(1_024 * KIB);
  const ending = new AbortController();
  const watch = ring.watch(TraceFilter.fromPartial({ failed: true }), ending.signal);
  const next = watch.next();
  ring.add(ended('well'));
  ring.add(ended('bad', { error: 'no', below: { isRemote: false } }));
  ring.add(ended('bad', { below: { isRemote: true } }));
  expect((await next).value).toMatchObject({ items: [{ traceId: 'bad', spans: 2, failedSpans: 1 }], leftOut: 0 });
  for (let count = 0; count < 300; count += 1) ring.add(ended(`bad ${count}`, { error: 'no' }));
  expect((await watch.next()).value).toMatchObject({ items: { length: 256 }, leftOut: 44 });
  const last = watch.next();
  ending.abort();
  expect(await last).toEqual({ done: true, value: undefined });
});
