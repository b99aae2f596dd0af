import { getEventListeners, getMaxListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { Reply } from '../src/call/call.js';
import type { ServerCall } from '../src/exports/call.js';
import { createClient } from '../src/exports/client.js';
import { yieldToEventLoop } from '../src/exports/clock.js';
import { RpcError, Status } from '../src/exports/status.js';
import { ManualClock } from '../src/exports/testing.js';
import { failure } from './support/outcome.js';
import { type ConformanceClient, connect } from './support/service.js';
import { collect, streamOf } from './support/stream.js';

const CALLS = 50;
const failing = { code: Status.NOT_FOUND };

/** Every outcome that a call can have. */
const ways: Record<string, (client: ConformanceClient, signal: AbortSignal) => Promise<unknown>> = {
  'one reply': (client, signal) => client.unary({}, { signal }),
  'a failure': (client, signal) => failure(client.unary({ behaviour: failing }, { signal })),
  'a stream read to its end': (client, signal) =>
    collect(client.serverStream({ count: 2 }, { signal, timeoutMs: 1_000 })),
  'a stream that fails': (client, signal) =>
    failure(collect(client.serverStream({ count: 2, behaviour: failing }, { signal, timeoutMs: 1_000 }))),
  'a stream left early': async (client, signal) => {
    for await (const _reply of client.serverStream({ count: 2 }, { signal, timeoutMs: 1_000 })) break;
  },
  'a request stream': (client, signal) => client.clientStream(streamOf({}, {}), { signal, timeoutMs: 1_000 }),
  'both streams': (client, signal) => collect(client.bidiStream(streamOf({}, {}), { signal, timeoutMs: 1_000 })),
  'a method that is not served': (client, signal) => failure(client.unimplemented({}, { signal })),
  'a request that cannot be encoded': (client, signal) =>
    failure(client.unary(JSON.parse('{"behaviour":{"delay":{"seconds":"x"}}}'), { signal })),
};

describe('after its calls a client leaks nothing', () => {
  it.each(Object.entries(ways))('of %s', async (_name, call) => {
    const clock = new ManualClock();
    const { client } = connect({}, { clock });
    const { signal } = new AbortController();
    for (let index = 0; index < CALLS; index += 1) await call(client, signal);
    expect(clock.timers).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('of streams whose callers cancel before the reply has come', async () => {
    const { client, channel } = connect();
    await client.unary({});
    const controllers = Array.from({ length: CALLS }, () => new AbortController());
    const streams = controllers.map(({ signal }) => failure(collect(client.serverStream({ count: 2 }, { signal }))));
    for (const controller of controllers) {
      controller.abort();
      await undefined;
    }
    for (const { code } of await Promise.all(streams)) expect(code).toBe(Status.CANCELLED);
    await yieldToEventLoop();
    expect(channel.inspect().flatMap(({ endpoints }) => endpoints.map(({ inFlight }) => inFlight))).toEqual([0]);
  });

  it('of calls that its middleware answers or refuses', async () => {
    const clock = new ManualClock();
    const { channel } = connect({}, { clock });
    const refuse = (): Promise<never> => Promise.reject(new RpcError(Status.ABORTED, 'refused'));
    const { signal } = new AbortController();
    const { unary } = createClient(ConformanceServiceDefinition, { channel, middleware: [refuse] });
    await failure(unary({}, { signal }));
    expect(clock.timers).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it("of calls that the server's middleware answers or refuses", async () => {
    const clock = new ManualClock();
    const answer = async ({ header, trailer }: ServerCall): Promise<Reply> => {
      return { header, trailer, response: { stream: false, message: { text: 'cached' } } };
    };
    const refuse = () => Promise.reject(new RpcError(Status.RESOURCE_EXHAUSTED, 'too many'));
    const answered = connect({}, { clock, middleware: [answer] }).client;
    const refused = connect({}, { clock, middleware: [refuse] }).client;
    expect(await answered.unary({})).toMatchObject({ text: 'cached' });
    expect(await failure(refused.unary({}))).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    expect(clock.timers).toBe(0);
  });

  it('of calls that a handler made, on the signal of its own call', async () => {
    const far = connect().client;
    let own: AbortSignal | undefined;
    const { client } = connect({
      async unary(request, call) {
        own = call.signal;
        await Promise.all(Array.from({ length: CALLS }, () => far.unary(request)));
        return {};
      },
    });
    await client.unary({});
    if (own === undefined) throw new Error('the handler has not run');
    expect(getEventListeners(own, 'abort')).toHaveLength(0);
    // Otherwise Node would warn of a leak at the eleventh call in flight.
    expect(getMaxListeners(own)).toBe(Number.POSITIVE_INFINITY);
  });

  it('of a call that ended at its deadline', async () => {
    const clock = new ManualClock();
    const { client } = connect({ unary: () => new Promise(() => undefined) }, { clock });
    const { signal } = new AbortController();
    const call = failure(client.unary({}, { signal }));
    await clock.advance(5_000);
    await call;
    expect(clock.timers).toBe(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
