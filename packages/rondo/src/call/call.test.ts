import { describe, expect, it } from '@jest/globals';
import { sleep, systemClock } from '@rondo/rpc/clock';
import { ManualClock } from '@rondo/rpc/testing';
import { UsageError } from '../errors.js';
import { parseMetadata } from '../options.js';
import { type Load, runLoad } from './load.js';
import { explainNotBegun, viewLoad } from './report.js';
import { Tally } from './tally.js';
import { parseMethodName } from './target.js';

const OK = { code: 'OK', instance: 'a', message: undefined };
const UNTIL_STOPPED: Load = { count: undefined, durationMs: undefined, rate: undefined, concurrency: 1 };

/** Runs a load whose calls take `takesMs` each, on a manual clock. */
function startLoad(load: Partial<Load>, takesMs: number) {
  const clock = new ManualClock();
  const stop = new AbortController();
  const begunAtMs: number[] = [];
  const startMs = clock.now();
  let inFlight = 0;
  let mostInFlight = 0;
  const progressAtMs: number[] = [];
  const result = runLoad({
    ...UNTIL_STOPPED,
    ...load,
    clock,
    signal: stop.signal,
    onProgress: ({ tally, elapsedMs }) => progressAtMs.push(elapsedMs, tally.calls),
    async call(signal) {
      begunAtMs.push(clock.now() - startMs);
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      try {
        await sleep(clock, takesMs, signal);
        return OK;
      } catch {
        return undefined;
      } finally {
        inFlight -= 1;
      }
    },
  });
  return { clock, stop, begunAtMs, progressAtMs, result, mostInFlight: () => mostInFlight };
}

describe('runLoad', () => {
  it('makes a number of calls one after the other', async () => {
    const { clock, result, begunAtMs, mostInFlight } = startLoad({ count: 3 }, 10);
    await clock.advance(100);
    const { tally, notBegun } = await result;
    expect([tally.calls, tally.failed, notBegun, mostInFlight()]).toEqual([3, 0, 0, 1]);
    expect(begunAtMs).toEqual([0, 10, 20]);
    expect(clock.timers).toBe(0);
  });

  it('keeps --concurrency calls in flight', async () => {
    const { clock, result, mostInFlight } = startLoad({ count: 10, concurrency: 4 }, 10);
    await clock.advance(100);
    expect((await result).tally.calls).toBe(10);
    expect(mostInFlight()).toBe(4);
  });

  it('starts each call when it is due, whether or not earlier ones have ended', async () => {
    const { clock, result, begunAtMs } = startLoad({ rate: 100, concurrency: 64, durationMs: 50 }, 1_000);
    await clock.advance(2_000);
    const { tally } = await result;
    expect(begunAtMs).toEqual([0, 10, 20, 30, 40]);
    expect(tally.calls).toBe(5);
    expect(tally.p50Ms).toBeCloseTo(1_000, -2);
  });

  it('includes the time that a call waited to start in its latency', async () => {
    const { clock, result } = startLoad({ rate: 1_000, concurrency: 1, count: 3 }, 100);
    await clock.advance(1_000);
    const { tally } = await result;
    // Due at 0, 1 and 2 ms, ended at 100, 200 and 300.
    expect(tally.p99Ms).toBeGreaterThan(290);
  });

  it('reports how many calls were due and never started', async () => {
    const load = { ...UNTIL_STOPPED, rate: 100, concurrency: 1, durationMs: 1_000 };
    const { clock, result } = startLoad(load, 500);
    await clock.advance(2_000);
    const ended = await result;
    expect(ended.notBegun).toBe(98);
    expect(explainNotBegun(ended, load)).toMatch(/^rondo: 98 calls were due and not begun, as 1 were in flight/);
    expect(explainNotBegun({ ...ended, notBegun: 10 }, load)).toBe('');
  });

  it('reports progress once a second', async () => {
    const { clock, result, progressAtMs } = startLoad({ rate: 10, concurrency: 4, durationMs: 2_500 }, 10);
    await clock.advance(5_000);
    await result;
    expect(progressAtMs).toEqual([1_000, 10, 2_000, 20]);
    expect(clock.timers).toBe(0);
  });

  it('starts no calls after it is stopped, and lets calls in flight end', async () => {
    const { clock, stop, result, begunAtMs } = startLoad({ concurrency: 2 }, 100);
    await clock.advance(50);
    stop.abort();
    await clock.advance(100);
    const { tally } = await result;
    expect(begunAtMs).toHaveLength(2);
    expect([tally.calls, tally.failed]).toEqual([2, 0]);
    expect(clock.timers).toBe(0);
  });

  it('cancels calls that outlive the grace period, without counting them', async () => {
    const { clock, stop, result } = startLoad({ concurrency: 2 }, 1_000_000);
    await clock.advance(50);
    stop.abort();
    await clock.advance(3_000);
    expect((await result).tally.calls).toBe(0);
  });

  it.each([undefined, 1_000_000])(
    'lets Ctrl-C through, even if all calls end at once, at the rate %s',
    async (rate) => {
      const stop = new AbortController();
      const call = async () => OK;
      // The bound ends a load that never lets the event loop turn, which could not even time out.
      const bounds = { durationMs: 2_000, concurrency: 3, rate };
      const running = runLoad({ ...UNTIL_STOPPED, ...bounds, clock: systemClock, signal: stop.signal, call });
      setImmediate(() => stop.abort());
      await running;
      expect(stop.signal.aborted).toBe(true);
    },
  );

  it('stops while it waits for the next call to be due', async () => {
    const { clock, stop, result } = startLoad({ rate: 0.001, concurrency: 8 }, 1);
    await clock.advance(10);
    stop.abort();
    const { tally, notBegun } = await result;
    expect([tally.calls, notBegun]).toEqual([1, 0]);
    expect(clock.timers).toBe(0);
  });
});

describe('the line at the end', () => {
  it('counts codes and instances, failures included', async () => {
    const outcomes = [OK, { code: 'UNAVAILABLE', instance: 'b', message: 'gone' }, { ...OK, instance: 'b' }];
    const clock = new ManualClock();
    const signal = new AbortController().signal;
    const result = await runLoad({ ...UNTIL_STOPPED, count: 3, clock, signal, call: async () => outcomes.shift() });
    expect(viewLoad(result)).toEqual({
      calls: 3,
      failed: 1,
      codes: { OK: 2, UNAVAILABLE: 1 },
      instances: { a: 1, b: 2 },
      p50Ms: 0,
      p99Ms: 0,
    });
  });
});

describe('Tally', () => {
  const tallyOf = (...latenciesMs: readonly number[]) => {
    const tally = new Tally();
    for (const latencyMs of latenciesMs) tally.add(OK, latencyMs);
    return tally;
  };

  it('has no percentiles without calls', () => {
    expect([new Tally().p50Ms, new Tally().p99Ms]).toEqual([null, null]);
  });

  it.each([0.07, 3, 86_400])('finds the percentiles of %d times 1 to 1,000 ms to 1 %', (factor) => {
    const { p50Ms, p99Ms } = tallyOf(...Array.from({ length: 1_000 }, (_, index) => (index + 1) * factor));
    expect([Number(p50Ms) / (500 * factor), Number(p99Ms) / (990 * factor)]).toEqual([
      expect.closeTo(1, 2),
      expect.closeTo(1, 2),
    ]);
  });

  it('counts one slow call in a hundred from the 99th percentile on', () => {
    const fast = Array.from({ length: 98 }, () => 1);
    expect(tallyOf(...fast, 500, 500).p99Ms).toBeGreaterThan(490);
    expect(tallyOf(...fast, 1, 500).p99Ms).toBeLessThan(1.02);
    expect(tallyOf(0).p99Ms).toBe(0);
  });
});

describe('parseMetadata', () => {
  it('reads text, repeated keys, and bytes under -bin keys', () => {
    const metadata = parseMetadata(['tenant=acme', 'Tag=a', 'tag=b=c', 'token-bin=3q2+7w==', 'empty=']);
    expect(metadata.getAll('tag')).toEqual(['a', 'b=c']);
    expect(metadata.get('tenant')).toBe('acme');
    expect(metadata.get('empty')).toBe('');
    expect(Buffer.from(metadata.getBytes('token-bin') ?? [])).toEqual(Buffer.from('deadbeef', 'hex'));
  });

  it.each(['tenant', '=acme', 'bad key=1', 'grpc-status=0', 'token-bin=***', 'name=é'])('refuses %s', (pair) => {
    expect(() => parseMetadata([pair])).toThrow(UsageError);
  });
});

describe('parseMethodName', () => {
  it.each(['a.v1.S/M', '/a.v1.S/M'])('reads %s', (text) => {
    expect(parseMethodName(text)).toEqual({ service: 'a.v1.S', method: 'M' });
  });

  it('takes a service alone', () => {
    expect(parseMethodName('a.v1.S')).toEqual({ service: 'a.v1.S', method: undefined });
  });

  it.each(['a/b/c', '/', 'a.v1.S/', 'a b'])('refuses %s', (text) => {
    expect(() => parseMethodName(text)).toThrow('such as calculator.v1.CalculatorService/Add');
  });
});
