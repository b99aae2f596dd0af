import * as grpc from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { deferred } from '../../../test/support/deferred.js';
import { failure } from '../../../test/support/outcome.js';
import { conformanceService } from '../../../test/support/service.js';
import { collect } from '../../../test/support/stream.js';
import type { ServerCall } from '../../call/index.js';
import { type Channel, createChannel, createClient } from '../../client/index.js';
import { Status } from '../../status/index.js';
import { staticResolver } from '../../testing/index.js';
import type { Handlers } from '../handlers.js';
import { createRouter } from '../router.js';
import { type RpcServer, serve } from './serve.js';

const channels: Channel[] = [];
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

async function start(handlers: Partial<Handlers<typeof ConformanceServiceDefinition>> = {}) {
  const router = createRouter({ services: [conformanceService(handlers)] });
  const server: RpcServer = await serve(router, { listen: '127.0.0.1:0' });
  const channel = createChannel({ resolver: staticResolver([server.address]) });
  channels.push(channel);
  return { server, client: createClient(ConformanceServiceDefinition, { channel }) };
}

const never = () => new Promise<never>(() => undefined);

describe('a server that drains', () => {
  it('finishes the calls in flight', async () => {
    const begun = deferred();
    const finish = deferred();
    const { server, client } = await start({
      async unary() {
        begun.resolve();
        await finish.promise;
        return { text: 'finished' };
      },
    });
    const call = client.unary({});
    await begun.promise;
    const drained = server.drain(5_000);
    finish.resolve();
    expect(await call).toMatchObject({ text: 'finished' });
    await drained;
  });

  it('ends streams without a deadline at once, so that they are opened elsewhere', async () => {
    const begun = deferred();
    async function* serverStream(_request: unknown, { signal }: ServerCall) {
      yield {};
      begun.resolve();
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }
    const { server, client } = await start({ serverStream });
    const stream = failure(collect(client.serverStream({})));
    await begun.promise;
    await server.drain(60_000);
    expect(await stream).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining('shutting down') });
  });

  it('ends calls that outlive the grace with UNAVAILABLE', async () => {
    const begun = deferred();
    const { server, client } = await start({
      unary() {
        begun.resolve();
        return never();
      },
    });
    const call = failure(client.unary({}));
    await begun.promise;
    await server.drain(50);
    expect(await call).toMatchObject({ code: Status.UNAVAILABLE });
  });

  it('loses no call that comes as it begins', async () => {
    const first = await start();
    const second = await start();
    const resolver = staticResolver([first.server.address, second.server.address]);
    const channel = createChannel({ resolver });
    channels.push(channel);
    const { unaryUnsafe } = createClient(ConformanceServiceDefinition, { channel });
    await Promise.all([unaryUnsafe({}), unaryUnsafe({})]);
    const before = Array.from({ length: 50 }, () => unaryUnsafe({}));
    const drained = first.server.drain(1_000);
    const after = Array.from({ length: 50 }, () => unaryUnsafe({}));
    expect(await Promise.all([...before, ...after])).toHaveLength(100);
    await drained;
    expect(await unaryUnsafe({})).toEqual({});
    await second.server.drain(0);
  });
});

describe('a server that cannot listen', () => {
  // grpc-js says so on the console as well.
  beforeAll(() => grpc.setLogVerbosity(grpc.logVerbosity.NONE));
  afterAll(() => grpc.setLogVerbosity(grpc.logVerbosity.ERROR));

  it('names the address', async () => {
    const { server } = await start();
    const router = createRouter({ services: [] });
    await expect(serve(router, { listen: server.address })).rejects.toThrow(`can't listen on ${server.address}`);
    await server.drain(0);
  });
});
