import { tracingChannel } from 'node:diagnostics_channel';
/** The spans of calls, over each transport. */

import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { undecidedParent } from '../src/call/trace.js';
import { Metadata, type ServerCall } from '../src/exports/call.js';
import { createChannel, createClient, staticResolver } from '../src/exports/client.js';
import { createRouter, type Handlers } from '../src/exports/server.js';
import { RpcError, Status } from '../src/exports/status.js';
import { createMemoryNetwork, createTestChannel, ManualClock, standIn } from '../src/exports/testing.js';
import { createContextManager, createIdGenerator, traceCalls } from '../src/exports/tracing.js';
import type { ServedDefinition } from './conformance/handlers.js';
import { withPolicy } from './support/contract.js';
import { makeFollowers } from './support/followers.js';
import { failure } from './support/outcome.js';
import { policies } from './support/policies.js';
import { type ConformanceClient, conformanceService, connect } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { recordSpans, treeOf } from './support/spans.js';
import { deferred, until } from './support/wait.js';

type ServedHandlers = Partial<Handlers<ServedDefinition>>;

let sampled = true;
const { take, tracer, spans, keepContext } = recordSpans(traceCalls, () => sampled, createIdGenerator());
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const { startServer, connectTo, closers } = socketsOfATest();
afterEach(() => {
  sampled = true;
  take();
});

/** Clients of the conformance service by each transport. */
const WIRES: Readonly<Record<string, (handlers: ServedHandlers) => Promise<ConformanceClient>>> = {
  memory: async (handlers) => connect(handlers).client,
  gRPC: (handlers) => overSockets(handlers, false),
  frames: (handlers) => overSockets(handlers, true),
};

async function overSockets(handlers: ServedHandlers, frames: boolean): Promise<ConformanceClient> {
  const server = await startServer(handlers);
  const { client } = connectTo([server.address], { known: { frames } });
  await client.unary({});
  take();
  return client;
}

/** Work of an application with a span of its own, which lasts over an `await`. */
const own = <T>(name: string, work: () => Promise<T>): Promise<T> =>
  tracer.startActiveSpan(name, async (span) => {
    await Promise.resolve();
    return work().finally(() => span.end());
  });

/** Where the active span is kept: by a process of ours, and by one that has set up OpenTelemetry itself. */
const MANAGERS = {
  'the scope': createContextManager,
  'a storage of its own': () => new AsyncLocalStorageContextManager(),
};
const WAYS = Object.keys(WIRES).flatMap((wire) =>
  Object.entries(MANAGERS).map(([name, make]) => [wire, name, make] as const),
);

describe.each(WAYS)('over %s, with the context in %s', (wire, _name, createManager) => {
  beforeAll(() => keepContext(createManager()));

  const open = (handlers: ServedHandlers = {}) => WIRES[wire]?.(handlers) ?? Promise.reject(new Error(wire));

  it('a call has a span at each end, between the spans of the application', async () => {
    const far = await open();
    const near = await open({
      unary: (request) => own('handler', () => far.unary(request)),
    });
    await own('caller', () => near.unary({ text: 'hi' }));
    expect(treeOf(take())).toEqual([
      'internal caller',
      '  client Unary OK',
      '    server Unary OK',
      '      internal handler',
      '        client Unary OK',
      '          server Unary OK',
    ]);
  });

  it('a failed call has its status at both ends', async () => {
    const client = await open();
    await failure(client.unary({ behaviour: { code: Status.NOT_FOUND, message: 'no such thing' } }));
    const spans = take();
    expect(treeOf(spans)).toEqual(['client Unary NOT_FOUND', '  server Unary NOT_FOUND']);
    const [server, atClient] = spans;
    expect(atClient).toMatchObject({
      status: { code: 2, message: 'no such thing' },
      attributes: { 'error.type': 'NOT_FOUND' },
    });
    // The caller asked for what isn't there: the server is all right.
    expect(server?.status).toEqual({ code: 0 });
  });

  it('a failed statement has its SQLSTATE and its text, without values', async () => {
    const refused = Object.assign(new Error('invalid input syntax for type uuid: "ada"'), {
      severity: 'ERROR',
      code: '22P02',
    });
    const statements = tracingChannel('rondo.database.statement');
    const run = () => statements.tracePromise(() => Promise.reject(refused), { text: 'SELECT 1' });
    await own('caller', () => run().catch(() => undefined));
    const spans = take();
    expect(spans.find(({ name }) => name === 'SELECT')).toMatchObject({
      status: { code: 2, message: '22P02 invalid input syntax for type uuid: ?' },
      attributes: { 'db.response.status_code': '22P02' },
    });
  });

  it('the span of a stream lasts as long as the stream, with what its handler does', async () => {
    const client = await open({
      async *serverStream() {
        for (let index = 0; index < 2; index += 1) {
          await own(`step ${index}`, async () => undefined);
          yield { index };
        }
      },
    });
    for await (const { index } of client.serverStream({})) await own(`read ${index}`, async () => undefined);
    await until(() => spans() === 6);
    expect(treeOf(take()).filter((line) => !line.includes('read'))).toEqual([
      'client ServerStream OK',
      '  server ServerStream OK',
      '    internal step 0',
      '    internal step 1',
    ]);
  });
});

it('a watch has a span for its beginning, and one for each message', async () => {
  const { client } = connect();
  let begun: readonly string[] = [];
  for await (const { index } of client.follow({ count: 120 })) if (index === 0) begun = treeOf(take());
  expect(begun.slice(0, 2)).toEqual(['client Follow OK', '  server Follow OK']);
  const messages = treeOf(take()).filter((line) => line === 'consumer Follow message of another');
  // The first one came before, and no more than a hundred are recorded.
  expect(messages).toHaveLength(99);
});

it('a watch that goes on elsewhere has a span for its new beginning, which ends there', async () => {
  const { follow, settled, channel } = makeFollowers(['a', 'b'], async function* ({ resumeToken }, { signal }) {
    yield { index: 0, resumeToken: '1' };
    if (resumeToken === '') throw new RpcError(Status.UNAVAILABLE, 'away');
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  closers.push(() => channel.close());
  const messages = follow({ resumeToken: '' })[Symbol.asyncIterator]();
  for (let message = 0; message < 2; message += 1) await settled(messages.next());
  expect(treeOf(take()).filter((line) => !line.includes('message'))).toEqual([
    'client Follow OK',
    '  server Follow OK',
    '  client Follow OK linked',
    '    server Follow OK',
  ]);
  await messages.return?.();
});

describe('another attempt', () => {
  const POLICY = { hedge: { delay: { seconds: 0n, nanos: 100e6 } } };
  const { methods } = ConformanceServiceDefinition;

  /** A client of two instances; with a clock that a test holds, it hedges after 100 ms of it. */
  function twoInstances(unary: (call: ServerCall) => Promise<object>, clock?: ManualClock) {
    const network = createMemoryNetwork();
    const timed = clock === undefined ? {} : { clock };
    const services = [conformanceService({ unary: (_, call) => unary(call) })];
    for (const address of ['a', 'b']) network.listen(address, createRouter({ services, ...timed }));
    const resolver = staticResolver(['a', 'b']);
    const channel = createChannel({ resolver, transport: network.transport, policies, ...timed });
    closers.push(() => channel.close());
    const method = clock === undefined ? methods.unary : withPolicy(methods.unary, POLICY);
    return createClient({ ...ConformanceServiceDefinition, methods: { unary: method } }, { channel });
  }

  it('that hedges has one too, also if the first answers, and none has failed', async () => {
    const answer = deferred();
    const hedged = deferred();
    const clock = new ManualClock();
    const client = twoInstances(async ({ previousAttempts }) => {
      if (previousAttempts > 0) hedged.resolve();
      await answer.promise;
      return {};
    }, clock);
    const made = client.unary({});
    await clock.advance(100);
    await hedged.promise;
    answer.resolve();
    await made;
    await until(() => spans() >= 4);
    const ended = take();
    expect(ended.map(({ status }) => status.code)).toEqual([0, 0, 0, 0]);
    expect(treeOf(ended).map((line) => line.replace(/ (?:OK|CANCELLED)/, ''))).toEqual([
      'client Unary',
      '  server Unary',
      '  client Unary linked',
      '    server Unary',
    ]);
  });

  it('has a span of its own with a link to the first, and the server of each is below it', async () => {
    const client = twoInstances(async ({ previousAttempts }) => {
      if (previousAttempts === 0) throw new RpcError(Status.UNAVAILABLE, 'sick');
      return {};
    });
    await client.unary({});
    const spans = take();
    expect(treeOf(spans)).toEqual([
      'client Unary OK',
      '  server Unary UNAVAILABLE',
      '  client Unary OK linked',
      '    server Unary OK',
    ]);
    const call = spans.find(({ parentSpanContext }) => parentSpanContext === undefined);
    expect(call?.events).toMatchObject([
      { name: 'attempt failed', attributes: { 'rpc.response.status_code': 'UNAVAILABLE' } },
    ]);
    const tried = spans.filter(({ kind }) => kind === 2).map(({ attributes }) => attributes['server.address']);
    expect(tried.sort()).toEqual(['a', 'b']);
  });
});

describe('a trace that is not sampled', () => {
  it('has no span anywhere, and its id in every call', async () => {
    sampled = false;
    const ids: string[] = [];
    const unary = (_: unknown, call: ServerCall) => {
      ids.push(call.traceId);
      return own('far', async () => ({}));
    };
    const far = connect({ unary }).client;
    const near = connect({
      unary(request, call) {
        ids.push(call.traceId);
        // What would begin a trace here is part of one that isn't sampled.
        sampled = true;
        return far.unary(request);
      },
    }).client;
    await near.unary({});
    expect(take()).toEqual([]);
    expect(ids).toEqual([ids[0], ids[0]]);
  });
});

describe('a caller that does not trace', () => {
  it.each([true, false])(
    'leaves the decision to the process that it calls, and its logs are joined: %s',
    async (sample) => {
      sampled = sample;
      const ids: string[] = [];
      const { client } = connect({
        unary(_, { traceId }) {
          ids.push(traceId);
          return {};
        },
      });
      await client.unary({}, { metadata: { traceparent: undecidedParent(TRACE) } });
      expect(ids).toEqual([TRACE]);
      expect(take().map((span) => span.spanContext().traceId)).toEqual(sample ? [TRACE, TRACE] : []);
    },
  );
});

describe('the parent of a call', () => {
  const other = { traceId: '1'.repeat(32), spanId: '2'.repeat(16) };
  const NEW_ID = expect.not.stringMatching(other.traceId);

  it.each([
    ['sampled elsewhere', { ...other, traceFlags: 1 }, [other.traceId, other.traceId]],
    ['not sampled elsewhere', { ...other, traceFlags: 0 }, []],
    ['without an id', { ...other, traceFlags: 0, spanId: '0'.repeat(16) }, [NEW_ID, NEW_ID]],
  ])('may be an active span that records nothing: %s', async (_name, active, traces) => {
    const { client } = connect();
    await context.with(trace.setSpanContext(context.active(), active), () => client.unary({}));
    expect(take().map((span) => span.spanContext().traceId)).toEqual(traces);
  });

  it('is the active span, although the handler passes on the metadata of its own call', async () => {
    const far = connect().client;
    const near = connect({ unary: (request, { metadata }) => far.unary(request, { metadata }) }).client;
    await near.unary({});
    expect(treeOf(take())).toEqual([
      'client Unary OK',
      '  server Unary OK',
      '    client Unary OK',
      '      server Unary OK',
    ]);
  });
});

describe('the entries of a caller', () => {
  const send = async (metadata: Record<string, string>): Promise<Metadata> => {
    let received = new Metadata();
    const far = connect({
      unary(_, call) {
        received = call.metadata;
        return {};
      },
    }).client;
    const near = connect({ unary: (request) => far.unary(request) }).client;
    await near.unary({}, { metadata });
    return received;
  };

  it('reach the last of its calls: trace, state and baggage', async () => {
    const received = await send({
      traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
      tracestate: 'vendor=1',
      baggage: 'tenant=acme,day=monday',
    });
    expect(received.get('traceparent')).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    expect(received.get('tracestate')).toBe('vendor=1');
    expect(received.get('baggage')).toBe('tenant=acme,day=monday');
    expect(take().map((span) => span.spanContext().traceId)).toEqual(Array(4).fill(TRACE));
  });

  it('say that the trace is not sampled, which all obey', async () => {
    const received = await send({ traceparent: `00-${TRACE}-00f067aa0ba902b7-00` });
    expect(received.get('traceparent')).toBe(`00-${TRACE}-00f067aa0ba902b7-00`);
    expect(take()).toEqual([]);
  });

  it('can be what an application reads', async () => {
    let tenant: string | undefined;
    const { client } = connect({
      unary() {
        tenant = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
        return {};
      },
    });
    await client.unary({}, { metadata: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, baggage: 'tenant=acme' } });
    expect(tenant).toBe('acme');
    expect(trace.getActiveSpan()).toBeUndefined();
  });
});

it('calls that every process makes all the time have no spans', async () => {
  const health = standIn(HealthDefinition, { check: () => ({}) });
  const client = createClient(HealthDefinition, { channel: createTestChannel({ services: [health] }) });
  await client.check({});
  await own('caller', () => client.check({}));
  expect(treeOf(take())).toEqual(['internal caller']);
});
