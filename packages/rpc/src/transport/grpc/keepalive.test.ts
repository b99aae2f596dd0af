import { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { keepAlive } from './keepalive.js';

const INTERVAL_MS = 1_000;
const SILENT_AFTER_MS = 500;
const TIMEOUT_MS = 2_000;
const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A connection whose peer answers or doesn't, and a process that may pause. */
function watch({ answers = true } = {}) {
  const clock = new ManualClock();
  const start = clock.now();
  let stalls: readonly [from: number, to: number][] = [];
  /** In a paused process, due timers run at the end of the pause. */
  const running = (at: number) => stalls.find(([from, to]) => at >= from && at < to)?.[1] ?? at;
  let bytesRead = 0;
  const asked: number[] = [];
  const silences: (readonly [silent: boolean, at: number])[] = [];
  const hear = () => {
    bytesRead += 9;
  };
  const socket = Object.defineProperty(new Socket(), 'bytesRead', { get: () => bytesRead });
  const setTimer = (delayMs: number, callback: () => void) =>
    clock.setTimer(running(clock.now() - start + delayMs) - (clock.now() - start), callback);
  const ask = () => {
    const now = clock.now() - start;
    asked.push(now);
    // The ping is sent, and its answer read, while the process runs: each after the timers due by then.
    const left = running(now + 1);
    const read = running(left + 1);
    if (!answers) return true;
    clock.setTimer(read + 1 - now, hear);
    return true;
  };
  const begin = (...standstills: readonly [from: number, to: number][]) => {
    stalls = standstills;
    stops.push(
      keepAlive(socket, {
        clock: { now: () => clock.now(), setTimer },
        intervalMs: () => INTERVAL_MS,
        timeoutMs: TIMEOUT_MS,
        silentAfterMs: SILENT_AFTER_MS,
        ask,
        onSilence: (silent) => silences.push([silent, clock.now() - start]),
      }).stop,
    );
  };
  return { clock, socket, asked, silences, hear, begin };
}

describe('keepalive', () => {
  it('pings a silent peer once per interval, and keeps a peer that answers', async () => {
    const { clock, socket, asked, begin } = watch();
    begin();
    await clock.advance(60_000);
    expect(socket.destroyed).toBe(false);
    expect(asked.length).toBeGreaterThan(40);
    expect(asked.length).toBeLessThanOrEqual(60);
  });

  it('ends the connection of a peer that is silent for the interval and the time to answer', async () => {
    const { clock, socket, begin } = watch({ answers: false });
    begin();
    await clock.advance(INTERVAL_MS + TIMEOUT_MS - 1);
    expect(socket.destroyed).toBe(false);
    await clock.advance(1);
    expect(socket.destroyed).toBe(true);
  });

  it('tells at once that a peer is silent, and that it is heard again', async () => {
    const { clock, socket, silences, hear, begin } = watch({ answers: false });
    begin();
    await clock.advance(INTERVAL_MS + SILENT_AFTER_MS - 1);
    expect(silences).toEqual([]);
    await clock.advance(1);
    expect(silences).toEqual([[true, INTERVAL_MS + SILENT_AFTER_MS]]);
    await clock.advance(1_000);
    hear();
    await clock.advance(SILENT_AFTER_MS / 4);
    expect(silences.slice(1)).toEqual([[false, expect.any(Number)]]);
    await clock.advance(INTERVAL_MS + TIMEOUT_MS - SILENT_AFTER_MS / 4 - 1);
    expect(socket.destroyed).toBe(false);
    expect(silences.slice(2)).toEqual([[true, expect.any(Number)]]);
  });

  it.each([
    ['before it asks', 900, 3_000],
    ['as it asks, before the question has left', 1_001, 1_700],
    ['while it waits for the answer', 1_002, 60_000],
    ['for as little as it waits', 1_001, 1_501],
    ['at the end of the wait', 1_380, 5_000],
  ])('does not count a pause of its own process as silence of the peer: %s', async (_when, from, to) => {
    const { clock, socket, asked, silences, begin } = watch();
    begin([from, to]);
    await clock.advance(to + 5_000);
    expect(asked.length).toBeGreaterThan(2);
    expect(silences).toEqual([]);
    expect(socket.destroyed).toBe(false);
  });

  it('detects a silent peer after the pause', async () => {
    const { clock, socket, begin } = watch({ answers: false });
    begin([1_100, 9_000]);
    await clock.advance(9_000);
    expect(socket.destroyed).toBe(false);
    await clock.advance(TIMEOUT_MS);
    expect(socket.destroyed).toBe(true);
  });

  it('shares timers among the connections of the process', async () => {
    const clock = new ManualClock();
    for (let count = 0; count < 10; count += 1) {
      const options = { clock, intervalMs: () => INTERVAL_MS, timeoutMs: TIMEOUT_MS, ask: () => true };
      stops.push(keepAlive(new Socket(), options).stop);
      await clock.advance(10);
    }
    expect(clock.timers).toBeLessThanOrEqual(2);
    await clock.advance(2 * INTERVAL_MS);
    expect(clock.timers).toBeLessThanOrEqual(2);
  });

  it('leaves no timer when it is ended', async () => {
    const { clock, begin } = watch();
    begin();
    await clock.advance(1_200);
    for (const stop of stops.splice(0)) stop();
    await clock.advance(10);
    expect(clock.timers).toBe(0);
  });
});
