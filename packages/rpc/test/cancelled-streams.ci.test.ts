/**
 * A server accepts a bounded number of resets per connection, so a client that cancels many calls spaces out their
 * resets. The clients' clock stands still here: a reset that has to wait never happens by waiting.
 */

import { describe, expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import type { ServerCall } from '../src/exports/call.js';
import { createRouter, serve } from '../src/exports/server.js';
import { ManualClock, standIn } from '../src/exports/testing.js';
import { conformanceService } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { atRest, until } from './support/wait.js';

const RESETS_AT_ONCE = 500;
/** More than a client resets at once on one connection, and fewer than a server accepts there. */
const CALLS = 600;
const { closers, connectTo } = socketsOfATest();

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** A client of streams that only their caller ends, and the number of running streams. */
async function connect() {
  const running = new Set<string>();
  let count = 0;
  const serverStream = async function* (_request: unknown, { signal, peer }: ServerCall) {
    count += 1;
    const id = `${peer} ${count}`;
    running.add(id);
    try {
      for (let index = 0; !signal.aborted; index += 1) {
        yield { index };
        if (index > 0) await ended(signal);
      }
    } finally {
      running.delete(id);
    }
  };
  let watches = 0;
  const watch = async function* (_request: unknown, { signal }: ServerCall) {
    watches += 1;
    yield {};
    await ended(signal);
  };
  const services = [conformanceService({ serverStream }), standIn(HealthDefinition, { watch })];
  const server = await serve(createRouter({ services }), { listen: '127.0.0.1:0' });
  closers.push(() => server.drain(0));
  const clock = new ManualClock();
  const { channel, client } = connectTo([server.address], { clock, healthCheck: true });
  await client.unary({});
  return { client, channel, clock, running, watches: () => watches };
}

type Connected = Awaited<ReturnType<typeof connect>>;

/** Starts this many streams; the result cancels them. */
async function begin({ client, running }: Connected, calls: number) {
  const before = running.size;
  const controller = new AbortController();
  const { signal } = controller;
  const reading = Array.from({ length: calls }, async () => {
    for await (const _reply of client.serverStream({}, { signal }));
  });
  const allEnded = Promise.allSettled(reading);
  await until(() => running.size === before + calls);
  return async () => {
    controller.abort();
    await allEnded;
  };
}

describe('cancelled calls', () => {
  it('end at the server, however many they are', async () => {
    const connected = await connect();
    const { client, channel, running } = connected;
    for (let round = 0; round < 2; round += 1) {
      const cancel = await begin(connected, CALLS);
      await cancel();
      await until(() => running.size === 0);
      expect(await client.unary({})).toBeDefined();
      expect(channel.inspect().flatMap(({ endpoints }) => endpoints.map(({ inFlight }) => inFlight))).toEqual([0]);
    }
  });

  it('end the health watch on their connection, which continues on the next one', async () => {
    const connected = await connect();
    const { clock, running, watches } = connected;
    await until(() => watches() === 1);
    const cancel = await begin(connected, CALLS);
    await cancel();
    await until(() => running.size === 0);
    await until(async () => {
      await clock.advance(1_000);
      return watches() === 2;
    });
  });

  it('harm no other call on their connection, and end with it at the latest', async () => {
    const connected = await connect();
    const { client, running } = connected;
    const other = client.serverStream({})[Symbol.asyncIterator]();
    expect(await other.next()).toMatchObject({ done: false, value: { index: 0 } });
    const cancel = await begin(connected, CALLS);
    await cancel();
    const waiting = CALLS - RESETS_AT_ONCE + 1;
    await until(() => running.size <= waiting);
    expect(await atRest(() => running.size)).toBe(waiting);
    expect(await other.next()).toMatchObject({ done: false, value: { index: 1 } });
    await other.return?.();
    await until(() => running.size === 0);
  });

  it('end when their channel is closed', async () => {
    const connected = await connect();
    const cancel = await begin(connected, CALLS);
    connected.channel.close();
    await cancel();
    await until(() => connected.running.size === 0);
  });
});
