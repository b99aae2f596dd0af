import { describe, expect, it } from '@jest/globals';
import { Pace } from './pace.js';

/** A pace over an event loop whose time the test passes. */
function startLoop() {
  const loop = { idle: 0, active: 0, utilization: 0 };
  const pace = new Pace(() => ({ ...loop }));
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

  it('lets a read begin every 20 ms, however busy the event loop is', () => {
    const { pace, work } = startLoop();
    pace.noteOtherWork();
    work(900);
    pace.noteRead();
    expect(pace.pauseMs).toBe(20);
    work(20);
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

  it('has no pause after a read that was short, unless another one has begun', () => {
    const { pace, work } = startLoop();
    pace.noteOtherWork();
    work(5);
    const first = pace.noteRead();
    work(5);
    const second = pace.noteRead();
    pace.noteShort(first);
    expect(pace.pauseMs).toBe(10);
    pace.noteShort(second);
    expect(pace.pauseMs).toBe(0);
  });

  it('is that of the event loop by default', () => {
    const pace = new Pace();
    pace.noteOtherWork();
    const until = performance.now() + 5;
    while (performance.now() < until);
    pace.noteRead();
    expect(pace.pauseMs).toBeGreaterThan(0);
    expect(pace.pauseMs).toBeLessThanOrEqual(20);
  });
});
