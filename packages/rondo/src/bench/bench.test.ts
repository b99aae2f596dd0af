import { describe, expect, it } from '@jest/globals';
import type { MethodFlow } from '@rondo/operate/internal';
import { Status } from '@rondo/rpc/status';
import { createPaint } from '../terminal/terminal.js';
import type { Sampled } from '../top/sampler.js';
import { type ClimbOptions, climb, kneeOf, type Step } from './climb.js';
import { type Fullness, fullParts, noteFill } from './fullness.js';
import { type BenchStep, type Measured, resultOf, toText } from './report.js';

/** A server that answers `capacity` calls a second: those above it wait. */
function server(capacity: number, p99Ms = 4) {
  const offered: number[] = [];
  const measure = async (rate: number): Promise<Step> => {
    offered.push(Math.round(rate));
    const calls = Math.round(rate * 5);
    const isOver = rate > capacity;
    return {
      offered: rate,
      answered: Math.min(rate, capacity),
      calls,
      failed: 0,
      overfull: false,
      p50Ms: 1,
      p99Ms: isOver ? 900 : p99Ms,
    };
  };
  return { offered, measure };
}

function start(options: Partial<ClimbOptions<Step>> & Pick<ClimbOptions<Step>, 'measure'>) {
  const unlimited = { from: 100, most: 100_000, limitMs: undefined, onStep: () => undefined };
  return climb({ ...unlimited, signal: new AbortController().signal, ...options });
}

describe('the loads', () => {
  it('double until one breaks, and close in on the knee', async () => {
    const { measure, offered } = server(1_000);
    const steps = await start({ measure });
    expect(offered).toEqual([100, 200, 400, 800, 1600, 1600, 1131, 1131, 951, 1037, 1037]);
    expect(kneeOf(steps)?.offered).toBeCloseTo(951, 0);
    expect(steps.map(({ offered: rate }) => Math.round(rate))).toEqual([100, 200, 400, 800, 951, 1037, 1131, 1600]);
    expect(steps.at(-1)?.broken).toBe('62 % of the calls were answered');
  });

  it('go on after a step that breaks only once', async () => {
    const { measure } = server(10_000);
    let measured = 0;
    const once = async (rate: number) => {
      measured += 1;
      return measured === 2 ? { ...(await measure(rate)), p99Ms: 400 } : measure(rate);
    };
    expect(kneeOf(await start({ measure: once, most: 400 }))?.offered).toBe(400);
  });

  it('end at the highest', async () => {
    const { measure, offered } = server(10_000);
    await start({ measure, most: 250 });
    expect(offered).toEqual([100, 200, 250]);
  });

  it('end if the first breaks', async () => {
    const { measure, offered } = server(10);
    expect(kneeOf(await start({ measure }))).toBeUndefined();
    expect(offered).toEqual([100, 100]);
  });

  it('end at Ctrl-C, without the step that it cut short', async () => {
    const { measure } = server(10_000);
    const stop = new AbortController();
    const steps = await start({
      signal: stop.signal,
      measure: async (rate) => {
        if (rate > 200) stop.abort();
        return measure(rate);
      },
    });
    expect(steps.map(({ offered }) => offered)).toEqual([100, 200]);
  });
});

describe('a step breaks', () => {
  const brokenBy = async (changed: Partial<Step>, options: Partial<ClimbOptions<Step>> = {}) => {
    const { measure } = server(10_000);
    const changing = async (rate: number) => ({ ...(await measure(rate)), ...(rate > 100 && changed) });
    return (await start({ measure: changing, most: 200, ...options })).at(-1)?.broken;
  };

  it.each([
    [{ p99Ms: 25 }, null],
    [{ p99Ms: 25.1 }, 'p99 is above 25 ms'],
    [{ answered: 190 }, null],
    [{ answered: 189 }, '94 % of the calls were answered'],
    [{ overfull: true }, 'too many calls were in flight'],
  ])('with %j: %s', async (changed, broken) => {
    expect(await brokenBy(changed)).toBe(broken);
  });

  it('above a limit of the user', async () => {
    expect(await brokenBy({ p99Ms: 10 }, { limitMs: 9 })).toBe('p99 is above 9 ms');
  });

  it('above five times the lowest p99 of a slow method', async () => {
    const { measure } = server(10_000, 40);
    const times = async (rate: number) => ({ ...(await measure(rate)), ...(rate > 200 && { p99Ms: 201 }) });
    expect((await start({ measure: times, most: 400 })).map(({ broken }) => broken)).toContain('p99 is above 200 ms');
  });
});

const QUIET: Fullness = {
  eventLoop: { instance: 'a', busy: 0.3 },
  pool: null,
  refused: 0,
  silent: [],
  generator: { busy: 0.2, lateMs: 1 },
  machine: 0.5,
};

describe('what was full', () => {
  const flow = (code: number, count: number): MethodFlow => ({
    service: 's.S',
    method: 'M',
    seconds: 1,
    calls: count,
    ended: new Map([[code, count]]),
    durations: [],
    inFlight: 0,
    requestBytes: 0,
    replyBytes: 0,
  });
  const sampled = (instanceId: string, more: Partial<Sampled>): Sampled => ({
    instance: { instanceId } as Sampled['instance'],
    state: 'counted',
    reason: '',
    flows: [],
    ...more,
  });

  it('is noted of each instance: mean busy shares, waits for connections, refusals', () => {
    const fill = noteFill();
    const pool = { name: 'sales', used: 10, max: 10, waiting: 3 };
    fill.record(sampled('a', { busy: 0.9, pools: [pool], flows: [flow(Status.RESOURCE_EXHAUSTED, 3)] }));
    fill.record(sampled('a', { busy: 0.7, pools: [{ ...pool, waiting: 0 }], flows: [flow(Status.OK, 3)] }));
    fill.record(sampled('b', { busy: 0.1 }));
    fill.record(sampled('c', { state: 'unreachable' }));
    const read = fill.read(7);
    expect(read).toMatchObject({
      eventLoop: { instance: 'a', busy: 0.8 },
      pool: { instance: 'a', name: 'sales', max: 10, waited: 0.5 },
      refused: 3,
      silent: ['c'],
      generator: { lateMs: 7 },
    });
    expect(read.machine).toBeGreaterThanOrEqual(0);
  });

  it.each<[Partial<Fullness>, RegExp[]]>([
    [{}, []],
    [{ generator: { busy: 0.9, lateMs: 30 } }, [/^this load generator: its event loop was 90 % busy, .* 30 ms late/]],
    [{ eventLoop: { instance: 'a', busy: 0.99 } }, [/^the event loop of a: 99 % busy$/]],
    [{ pool: { instance: 'a', name: 'db', max: 10, waited: 0.5 } }, [/^the pool of a: .* its 10 connections to db$/]],
    [{ pool: { instance: 'a', name: 'db', max: 10, waited: 0.4 } }, []],
    [{ refused: 2, machine: 1 }, [/^admission: instances refused 2 calls/, /^the processors of this machine: 100 %/]],
    [{ silent: ['a', 'b'] }, [/^a, b: no answer/]],
  ])('is said of %j', (changed, said) => {
    expect(fullParts({ ...QUIET, ...changed })).toEqual(said.map((one) => expect.stringMatching(one)));
  });
});

describe('the result', () => {
  const step = (offered: number, more: Partial<BenchStep> = {}): BenchStep => ({
    offered,
    answered: offered,
    calls: offered,
    failed: 0,
    p50Ms: 1,
    p99Ms: 4,
    overfull: false,
    limitMs: 25,
    broken: null,
    ...QUIET,
    ...more,
  });
  const measured: Measured = {
    method: 's.S/M',
    instances: 2,
    target: 2_000,
    steps: [
      step(100),
      step(400, { failed: 5 }),
      step(800, { broken: 'p99 is above 25 ms', p99Ms: 300, eventLoop: { instance: 'a', busy: 1 } }),
    ],
  };

  it('has the knee, what was full above it, LB, ER and the replicas', () => {
    expect(resultOf(measured)).toEqual({
      knee: { offered: 400, answered: 400, p99Ms: 4, perInstance: 200, isOfGenerator: false },
      full: ['the event loop of a: 100 % busy'],
      availability: 0.99,
      allFail: expect.closeTo(0.0001, 9),
      target: 2_000,
      replicas: 15,
    });
    expect(toText(measured, { paint: createPaint(false) })).toMatchInlineSnapshot(`
"OFFERED/S  ANSWERED/S  P50     P99     FAILED  BUSIEST LOOP  GENERATOR  MACHINE  HOLDS
100        100         1.0 ms  4.0 ms  0       30 % a        20 %       50 %     yes
400        400         1.0 ms  4.0 ms  5       30 % a        20 %       50 %     yes
800        800         1.0 ms  300 ms  0       100 % a       20 %       50 %     no: p99 is above 25 ms

Knee: 400/s, with a p99 of 4.0 ms. Full in the step above:
- the event loop of a: 100 % busy.

LB = N/S = 400/2 = 200: at the knee each of the 2 instances answers 200 calls a second.
ER = (1 - 0.99000)^2 = 0.00010: docs/guides/run-a-system.md#how-many-replicas explains it.
Replicas for 2000/s: 15 = ceil(2000 / 200 × 1.5), if what they share, such as a database or a machine, carries that.
"
`);
  });

  it('says that a figure is of the generator', () => {
    const generator = { busy: 0.95, lateMs: 20 };
    const steps = [step(100), step(200, { broken: 'p99 is above 25 ms', generator })];
    expect(resultOf({ ...measured, steps }).knee).toMatchObject({ offered: 100, isOfGenerator: true });
  });

  it('is of the last step if none broke, and has no knee if the first did', () => {
    expect(toText({ ...measured, steps: [step(100)] }, { paint: createPaint(false) })).toContain('No step broke');
    const none = { ...measured, steps: [step(100, { broken: 'p99 is above 25 ms' })] };
    expect(resultOf(none)).toMatchObject({ knee: null, replicas: null });
    expect(toText(none, { paint: createPaint(false) })).toContain('No step held: not even 100/s');
    expect(resultOf({ ...measured, steps: [] }).knee).toBeNull();
  });
});
