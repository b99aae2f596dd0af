import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { CallTimer } from './call-timer.js';
import { Metadata } from './metadata.js';
import { formatServerTiming, SERVER_TIMING } from './server-timing.js';

/** The times of a call whose reply begins after 4 ms and ends after 12, while the server says that it worked for so long. */
async function timesWith(processMs: number) {
  const clock = new ManualClock();
  const timer = new CallTimer(clock, clock.now());
  timer.onResolved();
  const attempt = timer.begin({ roundTripMs: Number.POSITIVE_INFINITY });
  await clock.advance(4);
  attempt.onHeader();
  await clock.advance(8);
  const trailer = new Metadata();
  trailer.set(SERVER_TIMING, formatServerTiming({ sendMs: 1, queueMs: 0, busyMs: 0, processMs }));
  return timer.end(trailer);
}

it.each([
  ['before the reply begins', 2, { processMs: 2, propagationMs: 1, receiveMs: 8 }],
  ['while the reply arrives', 9, { processMs: 9, propagationMs: 0, receiveMs: 2 }],
  ['while the reply arrives, at no round time', 9.001, { processMs: 9.001 }],
  ['after the call, as it says', 50, { processMs: 11, propagationMs: 0, receiveMs: 0 }],
])('the phases of a call add up to its time if the server ends its work %s', async (_when, processMs, phases) => {
  const { totalMs, ...times } = await timesWith(processMs);
  expect(times).toMatchObject(phases);
  expect(Object.values(times).reduce((sum: number, ms) => sum + (ms ?? 0), 0)).toBeCloseTo(totalMs, 6);
});
