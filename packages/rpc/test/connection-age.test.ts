/** Clients that aren't Rondo's connect anew from time to time, and no call of theirs fails by that. */

import * as grpc from '@grpc/grpc-js';
import { expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { ServerCall } from '../src/exports/call.js';
import { createRouter, serve } from '../src/exports/server.js';
import { ManualClock } from '../src/exports/testing.js';
import { grpcDefinition } from './support/grpc-definition.js';
import { conformanceService } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { deferred, until } from './support/wait.js';

const { closers, connectTo } = socketsOfATest();

/** Below the silence after which a server pings its clients. */
const AGE_MS = 5_000;
const definition = grpcDefinition(ConformanceServiceDefinition);

/** A server that notes over which connections its calls came. */
async function start(maxConnectionAgeMs = AGE_MS) {
  const clock = new ManualClock();
  const peers: string[] = [];
  const begun = deferred();
  const finish = deferred();
  const left = deferred();
  const service = conformanceService({
    async unary(_request, { peer }: ServerCall) {
      peers.push(peer);
      return {};
    },
    async unaryUnsafe(_request, { signal }: ServerCall) {
      begun.resolve();
      signal.addEventListener('abort', () => left.resolve());
      await finish.promise;
      return {};
    },
  });
  const server = await serve(createRouter({ services: [service], clock }), {
    listen: '127.0.0.1:0',
    clock,
    maxConnectionAgeMs,
  });
  closers.push(
    () => server.drain(0),
    () => finish.resolve(),
  );
  return {
    clock,
    address: server.address,
    peers,
    begun: begun.promise,
    left: left.promise,
    finish: () => finish.resolve(),
  };
}

/** Calls by plain grpc-js. */
function connectForeign(address: string) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  closers.push(() => client.close());
  return (key: 'unary' | 'unaryUnsafe') =>
    new Promise<void>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = definition[key] ?? {};
      if (path === undefined || requestSerialize === undefined || responseDeserialize === undefined)
        throw new Error(key);
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, (error) =>
        error ? reject(error) : resolve(),
      );
    });
}

it('a foreign client connects anew when its connection is old, and its call in flight is answered', async () => {
  const { clock, address, peers, begun, finish } = await start();
  const call = connectForeign(address);
  await call('unary');
  await call('unary');
  const long = call('unaryUnsafe');
  await begun;
  await clock.advance(AGE_MS * 1.1);
  await until(async () => {
    await call('unary');
    return new Set(peers).size === 2;
  });
  finish();
  await long;
  expect(peers[1]).toBe(peers[0]);
});

it.each([true, false])('a client of Rondo keeps its connection (frames: %s)', async (frames) => {
  const { clock, address, peers } = await start();
  const { client } = connectTo([address], { known: { frames } });
  await client.unary({});
  await clock.advance(AGE_MS * 1.5);
  await client.unary({});
  expect(peers).toHaveLength(2);
  expect(new Set(peers).size).toBe(1);
});

it('a foreign client keeps its connection if there is no age', async () => {
  const { clock, address, peers } = await start(0);
  const call = connectForeign(address);
  await call('unary');
  await clock.advance(AGE_MS * 1.5);
  await call('unary');
  expect(new Set(peers).size).toBe(1);
});

it('a call that outlasts its old connection by 5 minutes ends, at the client and in the handler', async () => {
  const { clock, address, begun, left } = await start();
  const call = connectForeign(address)('unaryUnsafe');
  await begun;
  await clock.advance(2 * AGE_MS);
  await clock.advance(300_000);
  await left;
  await expect(call).rejects.toMatchObject({ code: expect.any(Number) });
});
