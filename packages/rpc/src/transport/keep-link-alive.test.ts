import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { ActiveCalls } from './grpc/active-calls.js';
import { keepLinkAlive } from './keep-link-alive.js';

/** How often a peer that answers is pinged within 20 s. */
async function pingsOf({ streams = 0, unary = 0, minPingIntervalMs = undefined as number | undefined }) {
  const [clock, active, socket] = [new ManualClock(), new ActiveCalls(), { bytesRead: 0, destroy() {} }];
  for (let call = 0; call < streams + unary; call += 1) active.begin(call < streams);
  let pings = 0;
  const ping = () => {
    pings += 1;
    clock.setTimer(1, () => {
      socket.bytesRead += 5;
    });
    return true;
  };
  const stop = keepLinkAlive(socket, { clock, minPingIntervalMs, onSilence() {} }, { active, ping });
  await clock.advance(20_000);
  stop();
  return pings;
}

it('pings a peer by what waits for it: a reply, a message of a stream, or nothing', async () => {
  const minPingIntervalMs = 200;
  expect(await pingsOf({ minPingIntervalMs, unary: 1 })).toBeGreaterThan(40);
  expect(await pingsOf({ minPingIntervalMs, streams: 1 })).toBeGreaterThan(13);
  expect(await pingsOf({ minPingIntervalMs, streams: 1 })).toBeLessThanOrEqual(20);
  expect(await pingsOf({ minPingIntervalMs })).toBeLessThanOrEqual(4);
  expect(await pingsOf({ minPingIntervalMs })).toBeGreaterThan(2);
});

it("doesn't ping a server that doesn't say how often it may be pinged", async () => {
  expect(await pingsOf({})).toBe(0);
});

it('checks at once whether a peer that has rested answers a call, and sets few timers while nothing happens', async () => {
  const [clock, active, socket] = [new ManualClock(), new ActiveCalls(), { bytesRead: 0, destroy() {} }];
  let timers = 0;
  const counted = {
    now: () => clock.now(),
    setTimer: (delayMs: number, callback: () => void) => {
      timers += 1;
      return clock.setTimer(delayMs, callback);
    },
  };
  const silences: number[] = [];
  const options = { clock: counted, minPingIntervalMs: 200, onSilence: () => void silences.push(clock.now()) };
  const ping = () => {
    if (active.all > 0) return true; // Its peer is frozen by now.
    socket.bytesRead += 5;
    return true;
  };
  const stop = keepLinkAlive(socket, options, { active, ping });
  await clock.advance(62_000);
  expect(timers).toBeLessThan(40);
  const begun = clock.now();
  active.begin(false);
  await clock.advance(500);
  expect(silences[0]).toBeLessThanOrEqual(begun + 400);
  stop();
});
