/** Servers restarted one by one under load, without news from a registry: no call fails, whatever its method. */

import { describe, expect, it } from '@jest/globals';
import { sleep, systemClock } from '../src/exports/clock.js';
import { createRouter, type RpcServer, serve } from '../src/exports/server.js';
import { conformanceService } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { collect } from './support/stream.js';
import { until } from './support/wait.js';

/** How many calls of each kind are made at a time. */
const WORKERS = 2;
const { closers, connectTo } = socketsOfATest();

describe('a rolling restart', () => {
  it('fails no call, safe or unsafe, one message or a stream, and none is handled twice', async () => {
    let handled = 0;
    const unaryUnsafe = async () => {
      handled += 1;
      await sleep(systemClock, 5); // so that some are always in flight
      return {};
    };
    const start = async (listen: string): Promise<RpcServer> => {
      const server = await serve(createRouter({ services: [conformanceService({ unaryUnsafe })] }), { listen });
      closers.push(() => server.drain(0));
      return server;
    };
    const servers = [await start('127.0.0.1:0'), await start('127.0.0.1:0'), await start('127.0.0.1:0')];
    const addresses = servers.map(({ address }) => address);
    const { channel, client } = connectTo(addresses, { known: { minPingIntervalMs: 1_000 } });
    const allReady = () => channel.inspect()[0]?.endpoints.every(({ state }) => state === 'ready') ?? false;
    await until(allReady);

    let calling = true;
    let unsafe = 0;
    const failures: unknown[] = [];
    const load = async (call: () => Promise<unknown>) => {
      while (calling) {
        await call().catch((error: unknown) => failures.push(error));
        await sleep(systemClock, 1);
      }
    };
    const callUnsafe = () => {
      unsafe += 1;
      return client.unaryUnsafe({});
    };
    const streamed = () => collect(client.serverStream({ count: 3 }, { timeoutMs: 5_000 }));
    const workers = Array.from({ length: WORKERS }, () => [
      load(callUnsafe),
      load(() => client.unary({})),
      load(streamed),
    ]).flat();
    for (const address of addresses) {
      const before = unsafe;
      await until(() => unsafe > before + 9); // each has had its turn, the last that came too
      await servers.shift()?.drain(5_000);
      servers.push(await start(address));
      await until(allReady);
    }
    calling = false;
    await Promise.all(workers);
    expect(failures).toEqual([]);
    expect(handled).toBe(unsafe);
  });
});
