import { describe, expect, it } from '@jest/globals';
import { isShort, Pace } from './pace.js';

/** A pace of two calls, over an event loop whose time the test passes. */
function startLoop() {
  const loop = { idle: 0, active: 0, utilization: 0 };
  const pace = new Pace(() => ({ ...loop }));
  pace.noteCall();
  pace.noteCall();
  return {
    pace,
    work: (ms: number) => {
      loop.active += ms;
    },
    rest: (ms: number) => {
      loop.idle += ms;
    },
  };
}

describe('the pace of long reads', () => {
  it('leaves half of the event loop to other work', () => {
    const { pace, work, rest } = startLoop();
    pace.noteOtherWork();
    pace.noteRead();
    expect(pace.pauseMs).toBe(0);
    rest(3);
    work(4);
    expect(pace.pauseMs).toBe(0);
    pace.noteRead();
    expect(pace.pauseMs).toBe(8);
    work(4);
    rest(3);
    expect(pace.pauseMs).toBe(1);
    rest(1);
    expect(pace.pauseMs).toBe(0);
  });

  it('lets all begin without a pause if there was no other work for a second', () => {
    const { pace, work, rest } = startLoop();
    work(10);
    pace.noteRead();
    expect(pace.pauseMs).toBe(0);
    pace.noteOtherWork();
    expect(pace.pauseMs).toBe(20);
    rest(990);
    work(10);
    pace.noteRead();
    expect(pace.pauseMs).toBe(0);
  });

  it('goes on with its pause after a read that did not wait for it, and after one that was short too', () => {
    const { pace, work } = startLoop();
    pace.noteOtherWork();
    work(9);
    pace.noteRead();
    work(1);
    const second = pace.noteRead();
    expect(pace.pauseMs).toBe(17);
    pace.noteShort(second);
    expect(pace.pauseMs).toBe(17);
  });

  it('is that of the event loop by default', () => {
    const pace = new Pace();
    pace.noteCall();
    pace.noteCall();
    pace.noteOtherWork();
    const until = performance.now() + 5;
    while (performance.now() < until);
    pace.noteRead();
    expect(pace.pauseMs).toBeGreaterThan(0);
    expect(pace.pauseMs).toBeLessThanOrEqual(20);
  });
});

describe('a short read', () => {
  const row = { id: 1, name: 'a', sizes: [1, 2], note: null };
  const rows = (count: number, columns = row) => Array.from({ length: count }, () => columns);

  it.each<[string, unknown]>([
    ['no rows', []],
    ['some rows', rows(50)],
    ['long texts, few', [{ text: 'x'.repeat(50_000), bytes: new Uint8Array(5_000) }]],
    ['a message', { weeks: new Map([['a', rows(3)]]), at: new Date(), size: 5n }],
  ])('is of %s', (_of, result) => {
    expect(isShort(result)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['many rows', rows(100)],
    ['rows with much in them', rows(5, { ...row, sizes: Array.from({ length: 100 }, () => 1) })],
    ['long texts', rows(5, { ...row, name: 'x'.repeat(50_000) })],
    ['many rows in a message', { weeks: new Map([['a', rows(100)]]) }],
    ['what is not known', undefined],
  ])('is not of %s', (_of, result) => {
    expect(isShort(result)).toBe(false);
  });
});
