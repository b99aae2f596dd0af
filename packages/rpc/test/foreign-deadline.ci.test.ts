/** Deadlines of calls from other gRPC clients: our server gives them as long as the client says, and no less. */

import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { ServerCall } from '../src/exports/call.js';
import { sleep, systemClock, yieldToEventLoop } from '../src/exports/clock.js';
import { createRouter, type ServiceImplementation, serve } from '../src/exports/server.js';
import { ManualClock } from '../src/exports/testing.js';
import { grpcDefinition } from './support/grpc-definition.js';
import { conformanceService } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';

const { closers, connectTo } = socketsOfATest();

/** A server with a manual clock, and a plain grpc-js client of it. */
async function start(service: ServiceImplementation) {
  const clock = new ManualClock();
  const server = await serve(createRouter({ services: [service], clock, wallClock: clock.wall }), {
    listen: '127.0.0.1:0',
    clock,
  });
  const client = new grpc.Client(server.address, grpc.credentials.createInsecure());
  closers.push(
    () => server.drain(0),
    () => client.close(),
  );
  /** Advances the time while the client sends something now and then. Otherwise the server takes it for frozen. */
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 5) {
      await clock.advance(5_000);
      await ask(client, { key: 'unimplemented' }).catch(() => undefined);
    }
  };
  return { clock, server, client, pass };
}

interface Asked {
  readonly key: string;
  readonly options?: grpc.CallOptions;
  readonly metadata?: grpc.Metadata;
}

function ask(client: grpc.Client, { key, options = {}, metadata = new grpc.Metadata() }: Asked) {
  const method = grpcDefinition(ConformanceServiceDefinition)[key];
  if (method === undefined) throw new Error(`no method ${key}`);
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise<unknown>((resolve, reject) => {
    const done = (error: grpc.ServiceError | null, reply?: unknown) => (error ? reject(error) : resolve(reply));
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, metadata, options, done);
  });
}

describe('a call with a deadline beyond the range of a Node timer', () => {
  /** The deadline is capped at this: 24.8 days. */
  const LONGEST_MS = 2_147_483_000;

  /** Answers with the time left of each call, one turn of the event loop after it began. */
  async function startMeasured() {
    const left: (number | undefined)[] = [];
    const unaryUnsafe = async (_request: unknown, { context }: ServerCall) => {
      await yieldToEventLoop();
      await sleep(systemClock, 5);
      context.throwIfEnded();
      left.push(context.endsAt && context.endsAt - clock.now());
      return {};
    };
    const { client, clock, server } = await start(conformanceService({ unaryUnsafe }));
    return { client, server, left };
  }

  it.each([
    ...['2592000S', '720H', '43200M', '99999999H', '2147484S'].map((timeout) => [timeout, LONGEST_MS] as const),
    ['596H', 596 * 3_600_000],
    ['2147483S', 2_147_483_000],
    ['35791M', 35_791 * 60_000],
  ] as const)('has 24.8 days, or less if it was given less: %s', async (timeout, leftMs) => {
    const { client, left } = await startMeasured();
    const metadata = new grpc.Metadata();
    metadata.set('grpc-timeout', timeout);
    expect(await ask(client, { key: 'unaryUnsafe', metadata })).toEqual({});
    expect(left).toEqual([expect.closeTo(leftMs, -4)]);
  });

  it('is made by our client as well', async () => {
    const { server, left } = await startMeasured();
    const { client } = connectTo([server.address]);
    await client.unaryUnsafe({}, { timeoutMs: 30 * 86_400_000 });
    await client.unaryUnsafe({}, { deadline: new Date(Date.now() + 30 * 86_400_000) });
    await client.unaryUnsafe({}, { timeoutMs: Number.POSITIVE_INFINITY });
    expect(left).toEqual([expect.closeTo(LONGEST_MS, -4), expect.closeTo(LONGEST_MS, -4), undefined]);
  });
});
