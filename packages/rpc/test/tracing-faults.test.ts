/** No call fails because of its trace: neither by what a stranger sends, nor by a fault of what a user has plugged in. */

import { tracingChannel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import http2 from 'node:http2';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { inSpan, tracing } from '../src/call/trace.js';
import type { Metadata } from '../src/exports/call.js';
import { traceCalls } from '../src/exports/tracing.js';
import { connect } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { recordSpans, treeOf } from './support/spans.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const { take } = recordSpans(traceCalls);
const { startServer, connectTo, closers } = socketsOfATest();
afterEach(() => {
  take();
});

describe('hostile entries do no harm:', () => {
  const long = 'x'.repeat(15_000);
  const many = Array.from({ length: 1_000 }, (_, index) => `k${index}=v`).join(',');

  it.each<[string, Record<string, string>]>([
    ['a long traceparent', { traceparent: `00-${TRACE}-00f067aa0ba902b7-01-${long}` }],
    ['no ids', { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01` }],
    ['another version', { traceparent: `ff-${TRACE}-00f067aa0ba902b7-01` }],
    ['a long state', { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, tracestate: `a=${long}` }],
    ['a state that is none', { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, tracestate: ',,=,=,' }],
    ['long baggage', { baggage: `a=${long}` }],
    ['1,000 entries of baggage', { baggage: many }],
    ['baggage that is none', { baggage: '%00%0a=%zz,;;=,=' }],
    ['control characters in baggage', { baggage: 'a=%00%0d%0a%1b' }],
  ])('%s', async (_name, metadata) => {
    let received: Metadata | undefined;
    const far = connect({
      unary(_, call) {
        received = call.metadata;
        return {};
      },
    }).client;
    const near = connect({ unary: (request) => far.unary(request) }).client;
    await near.unary({}, { metadata });
    expect(treeOf(take()).map((line) => line.trim().replace(' of another', ''))).toEqual([
      'client Unary OK',
      'server Unary OK',
      'client Unary OK',
      'server Unary OK',
    ]);
    for (const key of ['traceparent', 'tracestate', 'baggage']) {
      expect(received?.get(key)?.length ?? 0).toBeLessThanOrEqual(8_192);
    }
  });

  it('60 KiB over a socket, of which as many go on as they should', async () => {
    const received: Metadata[] = [];
    const far = await startServer({
      unary(_, { metadata }) {
        received.push(metadata);
        return {};
      },
    });
    const { client } = connectTo([far.address]);
    const near = await startServer({ unary: (request) => client.unary(request) });
    const baggage = Array.from({ length: 1_000 }, (_, index) => `k${index}=${'v'.repeat(50)}`).join(',');
    const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, tracestate: 'a=1', baggage };
    const session = http2.connect(`http://${near.address}`);
    closers.push(() => session.close());
    const path = '/rondo.conformance.v1.ConformanceService/Unary';
    const own = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...own, ...headers });
    stream.resume().end(Buffer.alloc(5));
    const [trailers] = await once(stream, 'trailers');
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect(received.map((metadata) => metadata.get('traceparent')?.slice(3, 35))).toEqual([TRACE]);
    expect(received[0]?.get('baggage')?.length).toBeLessThanOrEqual(8_192);
  });
});

describe('a part of OpenTelemetry that throws fails no call:', () => {
  let faulty = '';
  const fail = (part: string) => {
    if (part === faulty) throw new Error(`the ${part} is broken`);
  };
  const processor: SpanProcessor = {
    onStart: () => fail('processor at the start'),
    onEnd: () => fail('processor at the end'),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const sampler = {
    shouldSample() {
      fail('sampler');
      return { decision: 2 };
    },
    toString: () => 'faulty',
  };
  beforeAll(() => {
    trace.disable();
    propagation.disable();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor], sampler }));
    propagation.setGlobalPropagator({
      inject: () => fail('propagator that writes'),
      extract(around) {
        fail('propagator that reads');
        return around;
      },
      fields: () => [],
    });
    traceCalls();
  });
  afterEach(() => {
    faulty = '';
  });

  it.each([
    'sampler',
    'processor at the start',
    'processor at the end',
    'propagator that writes',
    'propagator that reads',
  ])('%s', async (part) => {
    const statements = tracingChannel('rondo.database.statement');
    const far = connect({ unary: () => statements.tracePromise(async () => ({}), { text: 'SELECT 1' }) }).client;
    const open = trace.getTracer('test').startSpan('caller');
    const near = connect({
      unary: (request) => inSpan({ name: 'step' }, () => far.unary(request)),
      async *serverStream() {
        yield {};
      },
    }).client;
    faulty = part;
    await context.with(trace.setSpan(ROOT_CONTEXT, open), async () => {
      expect(await near.unary({})).toMatchObject({});
      const messages = [];
      for await (const message of near.serverStream({})) messages.push(message);
      for await (const message of near.follow({ count: 1 })) messages.push(message);
      expect(messages).toHaveLength(2);
    });
    tracing()?.request('GET', {}, '')?.end({ name: 'GET /', attributes: {}, fault: undefined });
  });
});
