/** Deadlines of calls from other gRPC clients: our server gives them as long as the client says, and no less. */

import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { ServerCall } from '../src/exports/call.js';
import { sleep, systemClock, yieldToEventLoop } from '../src/exports/clock.js';
import { createRouter, type ServiceImplementation, serve } from '../src/exports/server.js';
import { ManualClock } from '../src/exports/testing.js';
import { grpcDefinition } from './support/grpc-definition.js';
import { failure } from './support/outcome.js';
import { conformanceService, connect } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { deferred } from './support/wait.js';

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

/** A unary handler that answers on command. */
function held() {
  const begun = deferred<ServerCall>();
  const finish = deferred();
  const handler = async (_request: unknown, call: ServerCall) => {
    begun.resolve(call);
    await finish.promise;
    return {};
  };
  return { handler, begun: begun.promise, finish: () => finish.resolve() };
}

const inSeconds = (seconds: number) => ({ deadline: Date.now() + seconds * 1_000 });

describe('a call of a contract without a timeout', () => {
  it('has as much time as its client gives it', async () => {
    const { handler, begun, finish } = held();
    const { client, pass } = await start(conformanceService({ unaryUnsafe: handler }));
    const reply = ask(client, { key: 'unaryUnsafe', options: inSeconds(60) });
    const call = await begun;
    await pass(55);
    expect(call.signal.aborted).toBe(false);
    expect(call.callerDeadline).toEqual(call.deadline);
    finish();
    expect(await reply).toEqual({});
  });

  it('has no deadline if its client sets none, and ends with the grace of a drain', async () => {
    const { handler, begun } = held();
    const { clock, server, client, pass } = await start(conformanceService({ unaryUnsafe: handler }));
    const ended = ask(client, { key: 'unaryUnsafe' }).catch((error: unknown) => error);
    const call = await begun;
    await pass(600);
    expect(call.deadline).toBeUndefined();
    const drained = server.drain(30_000);
    await clock.advance(29_999);
    expect(call.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(await ended).toMatchObject({ code: grpc.status.UNAVAILABLE });
    await clock.advance(100);
    await drained;
  });

  it('leaves the default to calls that its handler makes, if neither has a limit', async () => {
    const clock = new ManualClock();
    const begun = deferred();
    const wait = async () => {
      begun.resolve();
      return new Promise<never>(() => undefined);
    };
    const { client: next } = connect({ unaryUnsafe: wait }, { clock });
    const outcome = deferred<unknown>();
    const relay = async () => {
      outcome.resolve(await failure(next.unaryUnsafe({})));
      return {};
    };
    const { client } = await start(conformanceService({ unaryUnsafe: relay }));
    const reply = ask(client, { key: 'unaryUnsafe' });
    await begun.promise;
    await clock.advance(10_000);
    expect(await outcome.promise).toMatchObject({ message: expect.stringContaining('10000 ms that a call has whose') });
    await reply;
  });
});

describe('a call of a contract with a timeout', () => {
  it('ends at that timeout, whatever its client sets, with the reason', async () => {
    const { handler, begun } = held();
    const { clock, client } = await start(conformanceService({ unary: handler }));
    const asked = { key: 'unary', options: inSeconds(60) };
    const ended = ask(client, asked).catch((error: unknown) => error);
    const call = await begun;
    await clock.advance(4_999);
    expect(call.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(call.signal.aborted).toBe(true);
    expect(await ended).toMatchObject({
      code: grpc.status.DEADLINE_EXCEEDED,
      details: expect.stringContaining('no outcome within the 5000 ms that the contract allows the call at most'),
    });
    expect(Number(call.callerDeadline) - Number(call.deadline)).toBeCloseTo(55_000, -4);
  });
});

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
