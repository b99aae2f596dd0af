import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { RpcError, Status } from '../src/exports/status.js';
import { startTcpProxy } from '../src/testing/tcp-proxy/tcp-proxy.js';
import { failure } from './support/outcome.js';
import { socketsOfATest } from './support/sockets.js';
import { atRest, deferred, until } from './support/wait.js';

const { closers, startServer } = socketsOfATest();

/** A client of `serverStream` over a network path that can be stalled. */
async function connect(serverStream: () => AsyncIterable<object>) {
  const server = await startServer({ serverStream });
  const proxy = await startTcpProxy({ target: server.address });
  closers.push(() => proxy.close());
  const channel = createChannel({ resolver: staticResolver([proxy.address]) });
  closers.push(() => channel.close());
  return { proxy, client: createClient(ConformanceServiceDefinition, { channel }) };
}

/** Together they fit into the client's read-ahead. */
const COUNT = 60;
const PAYLOAD = Buffer.alloc(1_000);

describe('a stream that fails', () => {
  it('delivers its messages to a slow reader first, although they arrive together with the status', async () => {
    const go = deferred();
    const begun = deferred();
    const { proxy, client } = await connect(async function* () {
      begun.resolve();
      await go.promise;
      for (let index = 0; index < COUNT; index += 1) yield { index, payload: PAYLOAD };
      throw new RpcError(Status.ABORTED, 'enough');
    });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { index } of client.serverStream({})) {
        seen.push(index);
        await client.unary({});
      }
    })();
    const failed = failure(reading);
    await begun.promise;
    proxy.stall();
    go.resolve();
    await until(() => proxy.inTransitBytes > 0);
    await atRest(() => proxy.inTransitBytes);
    proxy.resume();
    expect(await failed).toMatchObject({ code: Status.ABORTED });
    expect(seen).toEqual(Array.from({ length: COUNT }, (_, index) => index));
  });
});
