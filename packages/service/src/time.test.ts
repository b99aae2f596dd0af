import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { createPause, withTimeout } from './time.js';

describe('createPause', () => {
  it('ends after its delay, when woken, or at once if woken before', async () => {
    const clock = new ManualClock();
    const pause = createPause(clock);
    const ended: string[] = [];
    void pause.wait(100).then(() => ended.push('in time'));
    await clock.advance(99);
    expect(ended).toEqual([]);
    await clock.advance(1);
    void pause.wait(100).then(() => ended.push('woken'));
    pause.wake();
    await clock.advance(0);
    pause.wake();
    await pause.wait(100);
    expect(ended).toEqual(['in time', 'woken']);
    expect(clock.timers).toBe(0);
  });
});

describe('withTimeout', () => {
  it('resolves as the work does, and leaves no timer', async () => {
    const clock = new ManualClock();
    expect(await withTimeout(async () => 7, { clock, timeoutMs: 100 })).toBe(7);
    expect(clock.timers).toBe(0);
  });

  it('stops waiting for work that ignores its signal, and aborts that signal', async () => {
    const clock = new ManualClock();
    let received: AbortSignal | undefined;
    const hung = withTimeout(
      (signal) => {
        received = signal;
        return new Promise<void>(() => undefined);
      },
      { clock, timeoutMs: 100 },
    );
    const outcome = expect(hung).rejects.toThrow('no answer within 100 ms');
    await clock.advance(100);
    await outcome;
    expect(received?.aborted).toBe(true);
  });

  it('rejects with the reason of its signal, even if that aborted before', async () => {
    const clock = new ManualClock();
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(withTimeout(async () => 7, { clock, timeoutMs: 100, signal })).rejects.toThrow('stopped');
  });
});
