import { expect, it } from '@jest/globals';
import { WatchFiguresRequest } from '@rondo/contracts/rondo/gateway/v1/console';
import { GetCallStatsResponse } from '@rondo/contracts/rondo/stats/v1/stats';
import { History, STEP_MS } from './history.js';

const MIB = 2 ** 20;

/** A history whose clock the test sets, and the counters of its instances. */
function start() {
  let unixMs = 1_700_000_000_000;
  const history = new History({ now: () => new Date(unixMs) });
  const request = (of: Partial<WatchFiguresRequest> = {}) => WatchFiguresRequest.fromPartial(of);
  return {
    history,
    read: (of?: Partial<WatchFiguresRequest>, from = 0) => history.read(request(of), from),
    /** Ends a step, in which these instances have answered. */
    step(answers: Readonly<Record<string, GetCallStatsResponse | undefined>>) {
      for (const [id, answer] of Object.entries(answers)) history.take(id, answer);
      unixMs += STEP_MS;
      history.endStep();
    },
  };
}

interface Counted {
  readonly service?: string;
  readonly methods?: number;
}

/** What a process tells after so many steps: in each second two calls, of which one conflicts, and one fails in ten seconds. */
function stats(steps: number, { service = 'a.v1.S', methods = 1 }: Counted = {}) {
  const seconds = (steps * STEP_MS) / 1_000;
  const begun = BigInt(2 * seconds);
  const [OK, ABORTED, INTERNAL] = [0, 10, 13];
  const ended = [
    { code: OK, count: BigInt(0.9 * seconds) },
    { code: ABORTED, count: BigInt(seconds) },
    { code: INTERNAL, count: BigInt(seconds / 10) },
  ];
  const durations = [{ minMicros: 4_000, maxMicros: 4_000, count: begun }];
  return GetCallStatsResponse.fromPartial({
    startTime: new Date(0),
    uptime: { seconds: BigInt(seconds), nanos: 0 },
    methods: Array.from({ length: methods }, (_, index) => ({ service, method: `M${index}`, begun, ended, durations })),
    pools: [{ name: 'db', used: 3, max: 10, waiting: 1 }],
  });
}

it('keeps how many calls were answered, refused and failed: of the system, a service, a method and an instance', () => {
  const { read, step } = start();
  for (const steps of [2, 4, 6]) step({ 'a-1': stats(steps), 'a-2': stats(steps) });
  const of = (calls: number) => ({ callsPerSecond: calls, refusedPerSecond: calls / 2, errorsPerSecond: calls / 20 });
  for (const scope of [{}, { service: 'a.v1.S' }, { service: 'a.v1.S', method: 'M0' }]) {
    const { steps } = read(scope);
    expect(steps.slice(-2)).toMatchObject([
      { ...of(4), p99Ms: 4 },
      { ...of(4), p99Ms: 4 },
    ]);
  }
  step({ 'a-1': stats(8) });
  expect(read({ instanceId: 'a-1' })).toMatchObject({
    stepMs: 3 * STEP_MS,
    steps: [{ ...of(2), connectionsUsed: 3, connectionWaits: 1 }],
  });
  expect(read({}).parts).toMatchObject([{ name: 'a.v1.S', last: of(4) }]);
  expect(read({ service: 'a.v1.S' }).parts).toMatchObject([{ name: 'M0' }]);
  expect(read({ service: 'none.v1.S' }).steps).toEqual([]);
});

it('gives each step once, with its own time, and none of those in which nothing was known', () => {
  const { history, read, step } = start();
  step({ a: stats(2) });
  step({ a: stats(4) });
  const [first] = read().steps.slice(-1);
  const from = history.steps;
  expect(read({}, from).steps).toEqual([]);
  step({ a: undefined });
  expect(read({ service: 'a.v1.S' }, from).steps).toEqual([]);
  step({ a: stats(2) });
  step({ a: stats(4) });
  const [last] = read({ service: 'a.v1.S' }, from).steps;
  expect((last?.unixMs ?? 0) - (first?.unixMs ?? 0)).toBe(3 * STEP_MS);
});

it('leaves out Rondo’s own calls, and those of a process that has started anew', () => {
  const { read, step } = start();
  step({ a: stats(2), b: stats(10) });
  step({ a: stats(4, { service: 'rondo.stats.v1.CallStatsService' }), b: stats(2) });
  expect(read().steps.at(-1)).toMatchObject({ callsPerSecond: 0 });
});

it('goes back for an hour, and not further', () => {
  const { read, step } = start();
  for (let steps = 1; steps < 800; steps += 1) step({ a: stats(2 * steps) });
  const { steps } = read();
  expect(steps).toHaveLength(720);
  expect((steps.at(-1)?.unixMs ?? 0) - (steps[0]?.unixMs ?? 0)).toBe(719 * STEP_MS);
  expect(read({ instanceId: 'a' }).steps).toHaveLength(240);
});

it('takes at most 32 MiB with a thousand instances and any number of methods, and has room for those that come', () => {
  const { history, read, step } = start();
  for (const round of [0, 1]) {
    const all = (steps: number) =>
      Object.fromEntries(
        Array.from({ length: 1_000 }, (_, index) => {
          const counted = { service: `s${index}.v1.S`, methods: 3 };
          return [`${round}-${index}`, stats(steps, counted)];
        }),
      );
    const gone = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`0-${index}`, undefined]));
    for (const steps of [2, 4, 6, 8, 10, 12]) step({ ...(round === 1 && gone), ...all(steps) });
  }
  expect(history.bytes).toBeLessThanOrEqual(32 * MIB);
  expect(history.bytes).toBeGreaterThan(20 * MIB);
  expect(read({ instanceId: '1-999' }).steps.length).toBeGreaterThan(0);
});
