import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../testing/index.js';
import type { CallOptions } from './client.js';
import { deadlineOf } from './deadline.js';

const SILENT = { timeoutMs: undefined, defaultTimeoutMs: 10_000, idempotency: 'unknown' } as const;
const STREAM = { ...SILENT, defaultTimeoutMs: undefined };
const LIMITED = { ...STREAM, timeoutMs: 5_000 };

const clock = new ManualClock();
const startedAt = clock.now();
/** The wall clock was set: it shows what this process hasn't lived through. */
clock.wall.set(new Date('2031-05-06T07:08:09Z'));
const inMs = (ms: number) => new Date(clock.wall.now().getTime() + ms);

/** How long a call has, and by whose word. */
function limitOf(policy: typeof SILENT | typeof LIMITED | typeof STREAM, options: CallOptions, leftMs?: number) {
  const inherited = leftMs === undefined ? undefined : startedAt + leftMs;
  const { deadline, by } = deadlineOf(policy, options, { startedAt, inherited, wallClock: clock.wall });
  return deadline === undefined ? 'no limit' : [deadline - startedAt, by];
}

describe('the deadline of a call whose contract has no timeout', () => {
  it.each<[string, CallOptions, unknown]>([
    ['10 s where its caller sets nothing', {}, [10_000, 'default']],
    ['less where its caller says so', { timeoutMs: 700 }, [700, 'caller']],
    ['more where its caller says so', { timeoutMs: 60_000 }, [60_000, 'caller']],
    ['more by a date', { deadline: inMs(60_000) }, [60_000, 'caller']],
    ['the sooner of two', { timeoutMs: 60_000, deadline: inMs(30_000) }, [30_000, 'caller']],
    ['none where its caller wants none', { timeoutMs: Number.POSITIVE_INFINITY }, 'no limit'],
    ['none left where its date is over', { deadline: inMs(-1) }, [-1, 'caller']],
  ])('is %s', (_, options, limit) => {
    expect(limitOf(SILENT, options)).toEqual(limit);
  });

  it('is none for a stream, unless its caller sets one', () => {
    expect(limitOf(STREAM, {})).toBe('no limit');
    expect(limitOf(STREAM, { timeoutMs: 60_000 })).toEqual([60_000, 'caller']);
  });

  it('is within that of the call around it, by default at most 10 s', () => {
    expect(limitOf(SILENT, {}, 3_000)).toEqual([3_000, 'inherited']);
    expect(limitOf(SILENT, {}, 60_000)).toEqual([10_000, 'default']);
    expect(limitOf(SILENT, { timeoutMs: Number.POSITIVE_INFINITY }, 60_000)).toEqual([60_000, 'inherited']);
    expect(limitOf(SILENT, { timeoutMs: 90_000 }, 60_000)).toEqual([60_000, 'inherited']);
    expect(limitOf(STREAM, {}, 60_000)).toEqual([60_000, 'inherited']);
  });
});

describe('the deadline of a call whose contract has a timeout', () => {
  it.each<[string, CallOptions, unknown]>([
    ['that, where its caller sets nothing', {}, [5_000, 'contract']],
    ['less where its caller says so', { timeoutMs: 700 }, [700, 'caller']],
    ['never more', { timeoutMs: 60_000 }, [5_000, 'contract']],
    ['never more by a date', { deadline: inMs(60_000) }, [5_000, 'contract']],
    ['never none', { timeoutMs: Number.POSITIVE_INFINITY }, [5_000, 'contract']],
  ])('is %s', (_, options, limit) => {
    expect(limitOf(LIMITED, options)).toEqual(limit);
  });

  it('is within that of the call around it', () => {
    expect(limitOf(LIMITED, {}, 3_000)).toEqual([3_000, 'inherited']);
    expect(limitOf(LIMITED, { timeoutMs: 60_000 }, 20_000)).toEqual([5_000, 'contract']);
  });
});

it('is no time where its caller gives none', () => {
  for (const options of [{ timeoutMs: Number.NaN }, { deadline: new Date('soon') }]) {
    expect(limitOf(SILENT, options)).toEqual([Number.NaN, 'caller']);
  }
});
