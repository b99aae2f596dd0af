import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import type { CallOptions } from '../call/client-call.js';
import { deadlineOf } from './outgoing-call.js';

const SILENT = { timeoutMs: undefined, defaultTimeoutMs: 10_000, idempotency: 'unknown' } as const;
const STREAM = { ...SILENT, defaultTimeoutMs: undefined };
const LIMITED = { ...STREAM, timeoutMs: 5_000 };

const clock = new ManualClock();
const startedAt = clock.now();
/** The wall clock was set to a time that differs from the channel's clock. */
clock.wall.set(new Date('2031-05-06T07:08:09Z'));
const inMs = (ms: number) => new Date(clock.wall.now().getTime() + ms);

/** The time that a call has, in milliseconds, and where its deadline comes from. */
function limitOf(policy: typeof SILENT | typeof LIMITED | typeof STREAM, options: CallOptions, leftMs?: number) {
  const inherited = leftMs === undefined ? undefined : startedAt + leftMs;
  const { deadline, by } = deadlineOf(policy, options, { startedAt, inherited, wallClock: clock.wall });
  return deadline === undefined ? 'no limit' : [deadline - startedAt, by];
}

describe('the deadline of a call whose contract has no timeout', () => {
  it.each<[string, CallOptions, unknown]>([
    ['10 s if its caller sets nothing', {}, [10_000, 'default']],
    ['less if its caller asks for less', { timeoutMs: 700 }, [700, 'caller']],
    ['more if its caller asks for more', { timeoutMs: 60_000 }, [60_000, 'caller']],
    ['more with a date', { deadline: inMs(60_000) }, [60_000, 'caller']],
    ['the earlier of a timeout and a date', { timeoutMs: 60_000, deadline: inMs(30_000) }, [30_000, 'caller']],
    ['the earlier of a date and a timeout', { timeoutMs: 30_000, deadline: inMs(60_000) }, [30_000, 'caller']],
    ['none if its timeout is infinite', { timeoutMs: Number.POSITIVE_INFINITY }, 'no limit'],
    ['in the past if its date is', { deadline: inMs(-1) }, [-1, 'caller']],
  ])('is %s', (_, options, limit) => {
    expect(limitOf(SILENT, options)).toEqual(limit);
  });

  it('is none for a stream, unless its caller sets one', () => {
    expect(limitOf(STREAM, {})).toBe('no limit');
    expect(limitOf(STREAM, { timeoutMs: 60_000 })).toEqual([60_000, 'caller']);
  });

  it('is never later than that of the surrounding call; its default is 10 s', () => {
    expect(limitOf(SILENT, {}, 3_000)).toEqual([3_000, 'inherited']);
    expect(limitOf(SILENT, {}, 60_000)).toEqual([10_000, 'default']);
    expect(limitOf(SILENT, { timeoutMs: Number.POSITIVE_INFINITY }, 60_000)).toEqual([60_000, 'inherited']);
    expect(limitOf(SILENT, { timeoutMs: 90_000 }, 60_000)).toEqual([60_000, 'inherited']);
    expect(limitOf(STREAM, {}, 60_000)).toEqual([60_000, 'inherited']);
  });
});

describe('the deadline of a call whose contract has a timeout', () => {
  it.each<[string, CallOptions, unknown]>([
    ['that timeout if its caller sets nothing', {}, [5_000, 'contract']],
    ['less if its caller asks for less', { timeoutMs: 700 }, [700, 'caller']],
    ['never more', { timeoutMs: 60_000 }, [5_000, 'contract']],
    ['never more with a date', { deadline: inMs(60_000) }, [5_000, 'contract']],
    ['never unlimited', { timeoutMs: Number.POSITIVE_INFINITY }, [5_000, 'contract']],
  ])('is %s', (_, options, limit) => {
    expect(limitOf(LIMITED, options)).toEqual(limit);
  });

  it('is never later than that of the surrounding call', () => {
    expect(limitOf(LIMITED, {}, 3_000)).toEqual([3_000, 'inherited']);
    expect(limitOf(LIMITED, { timeoutMs: 60_000 }, 20_000)).toEqual([5_000, 'contract']);
  });
});

it('is NaN if its caller sets an invalid timeout or date', () => {
  for (const options of [{ timeoutMs: Number.NaN }, { deadline: new Date('soon') }]) {
    expect(limitOf(SILENT, options)).toEqual([Number.NaN, 'caller']);
  }
});
