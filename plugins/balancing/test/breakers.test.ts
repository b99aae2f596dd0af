/** Circuit breakers over sockets: a dependency that dies and returns. */

import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { sleep, systemClock } from '@rondo/rpc/clock';
import { Status } from '@rondo/rpc/status';
import { failure } from '../../../packages/rpc/test/support/outcome.js';
import { socketsOfATest } from '../../../packages/rpc/test/support/sockets.js';
import { until } from '../../../packages/rpc/test/support/wait.js';
import { balancing } from '../src/exports/index.js';

const { closers, startServer, connectTo } = socketsOfATest();

/** A client with a breaker whose calls go on, 50 a second, until it is stopped. */
async function makeCalling(addresses: readonly string[]) {
  const { channel, client } = connectTo(addresses, {
    policies: balancing,
    breakers: { [ConformanceServiceDefinition.fullName]: {} },
  });
  const stopped = new AbortController();
  let answered = 0;
  const calling = (async () => {
    while (!stopped.signal.aborted) {
      await client.unary({}).then(
        () => {
          answered += 1;
        },
        () => undefined,
      );
      await sleep(systemClock, 20);
    }
  })();
  closers.push(async () => {
    stopped.abort();
    await calling;
  });
  const breaker = () => channel.inspect()[0]?.guards[0]?.breaker;
  await until(() => answered > 10);
  return { client, breaker };
}

describe('a breaker over sockets', () => {
  it('opens when its dependency dies, answers at once, and closes after the return', async () => {
    const first = await startServer({ unary: async () => ({}) });
    const { client, breaker } = await makeCalling([first.address]);
    await first.drain(0);
    await until(() => breaker()?.state === 'open');
    const error = await failure(client.unary({}));
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, report: { attempts: [] } });
    expect(error.message).toMatch(/^the breaker of .*\/Unary is open: \d+ of \d+ calls in 10 s failed/);
    await startServer({ unary: async () => ({}) }, { listen: first.address });
    await until(() => breaker()?.state === 'closed');
    await client.unary({});
    expect(breaker()).toMatchObject({ openings: 1 });
  });
});
