import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ServerReflectionDefinition,
  type ServerReflectionRequest,
} from '@rondo/contracts/grpc/reflection/v1/reflection';
import { Metadata } from '@rondo/rpc/call';
import { type Channel, createChannel, type Endpoint, fixedEndpoint, type Resolver } from '@rondo/rpc/client';
import { createRouter, implement, serve } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createMemoryNetwork, createTestChannel, failureOf, ManualClock } from '@rondo/rpc/testing';
import { createDynamicClient, reflectionContracts } from '../../src/exports/index.js';

const SERVICE = 'a.v1.AService';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A reflection service that lists one service, refuses the rest, and admits only callers with a key. */
const reflection = implement(ServerReflectionDefinition, {
  async *serverReflectionInfo(requests: AsyncIterable<ServerReflectionRequest>, { metadata }) {
    if (metadata.get('key') !== 'ada') throw new RpcError(Status.UNAUTHENTICATED, 'give the key');
    for await (const { messageRequest } of requests) {
      yield messageRequest?.$case === 'listServices'
        ? { messageResponse: { $case: 'listServicesResponse' as const, value: { service: [{ name: SERVICE }] } } }
        : {
            messageResponse: {
              $case: 'errorResponse' as const,
              value: { errorCode: Status.NOT_FOUND, errorMessage: 'asked' },
            },
          };
    }
  },
});

const metadata = new Metadata({ key: 'ada' });

/** A channel whose resolver knows services by name, as the registry's does. */
function channelTo(report: (listener: Parameters<Resolver['resolve']>[1]) => void, clock = new ManualClock()): Channel {
  const resolver: Resolver = {
    source: 'a list',
    resolve(_service, listener) {
      report(listener);
      return { close() {} };
    },
    close() {},
  };
  const channel = createChannel({ resolver, transport: createMemoryNetwork().transport, clock });
  closers.push(() => channel.close());
  return channel;
}

const listing = (...endpoints: readonly Endpoint[]) =>
  channelTo((listener) => listener.onResolution({ endpoints, departed: [] }));

describe('contracts by reflection', () => {
  it('come from any server of a channel that knows no service by name, with the metadata', async () => {
    const channel = createTestChannel({ services: [reflection] });
    closers.push(() => channel.close());
    expect((await failureOf(reflectionContracts(channel).services())).message).toBe('give the key');
    const source = reflectionContracts(channel, { metadata });
    expect(await source.services()).toEqual([SERVICE]);
    expect((await failureOf(source.load(SERVICE))).message).toBe('reflection: asked');
  });

  it('come from an instance that serves the service, over a connection of their own', async () => {
    const server = await serve(createRouter({ services: [reflection] }), { listen: '127.0.0.1:0' });
    closers.push(() => server.drain(0));
    const channel = listing(
      fixedEndpoint('127.0.0.1:1', { services: ['b.v1.B'] }),
      fixedEndpoint('127.0.0.1:2', { services: [SERVICE], state: 'draining' }),
      fixedEndpoint(server.address, { services: [SERVICE] }),
    );
    const source = reflectionContracts(channel, { metadata });
    expect(await source.services()).toEqual(['b.v1.B', SERVICE]);
    const error = await failureOf(source.load(SERVICE));
    expect(error).toMatchObject({ code: Status.NOT_FOUND, message: 'reflection: asked' });
    expect(channel.inspect()).toEqual([]);
  });

  it('are not to be had if no instance is serving', async () => {
    const channel = listing(fixedEndpoint('127.0.0.1:2', { services: [SERVICE], state: 'draining' }));
    const error = await failureOf(createDynamicClient({ channel }).call('AService', 'get'));
    expect(error).toMatchObject({
      code: Status.UNAVAILABLE,
      message: `no instance of ${SERVICE} is serving; start one, or wait for it`,
    });
  });

  it('are not to be had if the services cannot be listed, or not in time', async () => {
    const broken = channelTo((listener) => listener.onFailure('refused'));
    const failed = await failureOf(reflectionContracts(broken).services());
    expect(failed).toMatchObject({
      code: Status.UNAVAILABLE,
      message: "the services that there are can't be looked up: refused",
    });
    const clock = new ManualClock();
    const late = failureOf(reflectionContracts(channelTo(() => {}, clock)).services());
    await clock.advance(5_000);
    expect((await late).message).toContain('no answer within 5000 ms');
    broken.close();
    expect((await failureOf(reflectionContracts(broken).services())).message).toBe(
      'the channel is closed; make calls before close()',
    );
    expect(clock.timers).toBe(0);
  });
});
