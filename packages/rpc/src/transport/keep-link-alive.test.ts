import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { ActiveCalls } from './grpc/active-calls.js';
import { keepLinkAlive } from './keep-link-alive.js';

/** How often a peer that answers is pinged within 20 s, and how often the process wakes for that. */
async function pingsOf({ streams = 0, unary = 0, minPingIntervalMs = undefined as number | undefined }) {
  const [clock, active, socket] = [new ManualClock(), new ActiveCalls(), { bytesRead: 0, destroy() {} }];
  for (let call = 0; call < streams + unary; call += 1) active.begin(call < streams);
  let [pings, wakes] = [0, 0];
  const setTimer: typeof clock.setTimer = (delayMs, callback) =>
    clock.setTimer(delayMs, () => {
      wakes += 1;
      callback();
    });
  const ping = () => {
    pings += 1;
    clock.setTimer(1, () => {
      socket.bytesRead += 5;
    });
    return true;
  };
  const stop = keepLinkAlive(
    socket,
    { clock: { now: () => clock.now(), setTimer }, minPingIntervalMs, onSilence() {} },
    { active, ping },
  );
  await clock.advance(20_000);
  stop();
  return { pings, wakes };
}

it('pings a peer by what waits for it: a reply, a message of a stream, or nothing', async () => {
  const minPingIntervalMs = 200;
  expect((await pingsOf({ minPingIntervalMs, unary: 1 })).pings).toBeGreaterThan(40);
  expect((await pingsOf({ minPingIntervalMs, streams: 1 })).pings).toBeGreaterThan(13);
  expect((await pingsOf({ minPingIntervalMs, streams: 1 })).pings).toBeLessThanOrEqual(20);
  expect((await pingsOf({ minPingIntervalMs })).pings).toBeLessThanOrEqual(4);
  expect((await pingsOf({ minPingIntervalMs })).pings).toBeGreaterThan(2);
});

it("doesn't ping a server that doesn't say how often it may be pinged", async () => {
  expect((await pingsOf({})).pings).toBe(0);
});

it('wakes for a ping, and for its answer, and not in between', async () => {
  for (const streams of [0, 1]) {
    const { pings, wakes } = await pingsOf({ minPingIntervalMs: 200, streams });
    expect(wakes).toBeLessThanOrEqual(2 * pings + 1);
  }
});

it.each([['unary', 450] as const, ['stream', 1_500] as const])(
  'sees within the time of a call (%s, %d ms) that the peer of an unused connection is silent',
  async (kind, limitMs) => {
    const [clock, active] = [new ManualClock(), new ActiveCalls()];
    const silences: boolean[] = [];
    const onSilence = (silent: boolean) => silences.push(silent);
    const options = { clock, minPingIntervalMs: 200, onSilence };
    const stop = keepLinkAlive({ bytesRead: 0, destroy() {} }, options, { active, ping: () => true });
    await clock.advance(3_000);
    active.begin(kind === 'stream');
    await clock.advance(limitMs);
    expect(silences).toEqual([true]);
    stop();
    active.begin(false);
    expect(clock.timers).toBe(0);
  },
);
