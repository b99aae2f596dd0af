/** Circuit breakers over sockets: a dependency that dies and returns, and one instance of three that dies. */

import { afterEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { sleep, systemClock } from '../src/exports/clock.js';
import { createRouter, serve } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { failure } from './support/outcome.js';
import { conformanceService } from './support/service.js';
import { until } from './support/wait.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const SERVICE = ConformanceServiceDefinition.fullName;

function start(listen = '127.0.0.1:0') {
  return serve(createRouter({ services: [conformanceService({ unary: async () => ({}) })] }), { listen });
}

/** A client with a breaker whose calls go on, 50 a second, until it is stopped. */
async function makeCalling(addresses: readonly string[]) {
  const channel = createChannel({ resolver: staticResolver(addresses), breakers: { [SERVICE]: {} } });
  const client = createClient(ConformanceServiceDefinition, { channel });
  const stopped = new AbortController();
  let failed = 0;
  let answered = 0;
  const calling = (async () => {
    while (!stopped.signal.aborted) {
      await client.unary({}).then(
        () => {
          answered += 1;
        },
        () => {
          failed += 1;
        },
      );
      await sleep(systemClock, 20);
    }
  })();
  closers.push(async () => {
    stopped.abort();
    await calling;
    channel.close();
  });
  const breaker = () => channel.inspect()[0]?.guards[0]?.breaker;
  await until(() => answered > 10);
  return { client, breaker, counts: () => ({ failed, answered }) };
}

describe('a breaker over sockets', () => {
  it('opens when its dependency dies, answers at once, and closes after the return', async () => {
    const first = await start();
    const { client, breaker } = await makeCalling([first.address]);
    await first.drain(0);
    await until(() => breaker()?.state === 'open');
    const error = await failure(client.unary({}));
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, report: { attempts: [] } });
    expect(error.message).toMatch(/^the breaker of .*\/Unary is open: \d+ of \d+ calls in 10 s failed/);
    const second = await start(first.address);
    closers.push(() => second.drain(0));
    await until(() => breaker()?.state === 'closed');
    await client.unary({});
    expect(breaker()).toMatchObject({ openings: 1 });
  });

  it('stays closed if one instance of three dies', async () => {
    const [one, ...others] = await Promise.all([start(), start(), start()]);
    closers.push(...others.map((server) => () => server.drain(0)));
    const { breaker, counts } = await makeCalling([one, ...others].map(({ address }) => address));
    await one.drain(0);
    const { answered } = counts();
    await until(() => counts().answered > answered + 50);
    expect(breaker()).toMatchObject({ state: 'closed', openings: 0 });
  });
});
