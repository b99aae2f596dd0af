/** What a call makes without OpenTelemetry's propagators and contexts is what it makes with them. */

import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { context, propagation, trace } from '@opentelemetry/api';
import { tracing, undecidedParent } from '../src/call/trace.js';
import type { ServerCall } from '../src/exports/call.js';
import { createContextManager, createIdGenerator, traceCalls } from '../src/exports/tracing.js';
import { connect } from './support/service.js';
import { recordSpans, treeOf } from './support/spans.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const parent = (flags: string, version = '00') => `${version}-${TRACE}-${CALLER}-${flags}`;

let sampled = true;
const { take, tracer, keepContext } = recordSpans(traceCalls, () => sampled, createIdGenerator());
keepContext(createContextManager());
afterEach(() => {
  sampled = true;
  take();
});
afterAll(() => traceCalls());

type Caller = Readonly<Record<string, string>>;
type Onward = (call: () => Promise<object>, received: ServerCall) => Promise<object>;

/** What two calls one below the other send and record: the ids that are new have no value, only whether they are of the caller's trace. */
async function observe(plain: boolean, metadata: Caller, onward: Onward = (call) => call()) {
  traceCalls({ plain });
  const seen: unknown[] = [];
  const note = ({ metadata: received, traceId }: ServerCall) => {
    const [version, id, span, flags] = (received.get('traceparent') ?? '').split('-');
    const spanId = span === CALLER ? 'of the caller' : 'new';
    const own = traceId === id && (traceId === TRACE ? 'of the caller' : 'new');
    seen.push([version, own, spanId, flags, received.get('tracestate'), received.get('baggage')]);
  };
  const far = connect({
    async unary(_, call) {
      note(call);
      return {};
    },
  }).client;
  const near = connect({
    unary(_, call) {
      note(call);
      return onward(() => far.unary({}), call);
    },
    async *serverStream(_, call) {
      note(call);
      await Promise.resolve();
      yield await onward(() => far.unary({}), call);
    },
  }).client;
  await near.unary({}, { metadata });
  for await (const _ of near.serverStream({}, { metadata }));
  // Traces that begin in one millisecond have no order.
  return { seen, spans: [...treeOf(take())].sort() };
}

const LONG = 'x'.repeat(14_000);
const members = (count: number, value: string) =>
  Array.from({ length: count }, (_, index) => `k${index}=${value}`).join(',');

describe.each([true, false])('if what begins is sampled: %s', (sample) => {
  it.each<[string, Caller]>([
    ['nothing', {}],
    ['a sampled parent', { traceparent: parent('01') }],
    ['a parent that is not sampled', { traceparent: parent('00') }],
    ['a random one that is not sampled', { traceparent: parent('02') }],
    ['a caller that does not trace', { traceparent: undecidedParent(TRACE) }],
    ['a caller that does not trace, with baggage', { traceparent: undecidedParent(TRACE), baggage: 'a=1' }],
    ['state and baggage', { traceparent: parent('00'), tracestate: 'vendor=1', baggage: 'tenant=acme,day=monday' }],
    [
      'state and baggage of a sampled one',
      { traceparent: parent('01'), tracestate: 'vendor=1', baggage: 'tenant=acme' },
    ],
    ['baggage alone', { baggage: 'tenant=acme' }],
    ['too much state', { traceparent: parent('00'), tracestate: members(30, 'v'.repeat(30)).slice(0, 512) }],
    ['a later version', { traceparent: `${parent('00', 'cc')}-what-the-future-has` }],
    ['a later version, sampled', { traceparent: `${parent('01', 'cc')}-${LONG}` }],
    ['a later version without a dash', { traceparent: `${parent('00', 'cc')}more` }],
    ['more than this version has', { traceparent: `${parent('00')}-${LONG}` }],
    ['no version', { traceparent: parent('00', 'ff') }],
    ['other digits', { traceparent: parent('00').toUpperCase() }],
    ['wrong flags', { traceparent: parent('0g') }],
    ['no trace id', { traceparent: `00-${'0'.repeat(32)}-${CALLER}-00` }],
    ['no span id', { traceparent: `00-${TRACE}-${'0'.repeat(16)}-00` }],
    ['an empty one', { traceparent: '' }],
  ])('%s', async (_what, metadata) => {
    sampled = sample;
    expect(await observe(true, metadata)).toEqual(await observe(false, metadata));
  });

  it.each<[string, Onward]>([
    ['has a span of its own', (call) => tracer.startActiveSpan('own', (span) => call().finally(() => span.end()))],
    [
      'sets baggage',
      (call) => {
        const baggage = propagation.createBaggage({ mine: { value: '1' } });
        return context.with(propagation.setBaggage(context.active(), baggage), call);
      },
    ],
    ['leaves the trace', (call) => tracing()?.outside(call) ?? call()],
    [
      'waits',
      async (call) => {
        await new Promise(setImmediate);
        return call();
      },
    ],
  ])('a handler that %s', async (_what, onward) => {
    sampled = sample;
    for (const metadata of [{}, { traceparent: parent('00'), baggage: 'tenant=acme', tracestate: 'vendor=1' }])
      expect(await observe(true, metadata, onward)).toEqual(await observe(false, metadata, onward));
  });
});

it('lists that are too long are cut by whole members', async () => {
  const sent = { traceparent: parent('00'), tracestate: members(100, 'v'.repeat(9)), baggage: members(1_000, 'vvvvv') };
  const { seen } = await observe(true, sent);
  for (const [index, most] of [
    [4, 512],
    [5, 8_192],
  ] as const) {
    const value = String((seen[1] as string[])[index]);
    expect(value.length).toBeLessThanOrEqual(most);
    expect(value).toMatch(/^k0=v+(?:,k\d+=v+)+$/);
    expect(Object.values(sent)[index - 3]?.startsWith(`${value},`)).toBe(true);
  }
});

it('what a handler reads of a trace that is not sampled is there', async () => {
  await observe(true, { traceparent: parent('00'), tracestate: 'vendor=1', baggage: 'tenant=acme' }, (call) => {
    expect(trace.getSpanContext(context.active())).toMatchObject({ traceId: TRACE, spanId: CALLER, traceFlags: 0 });
    expect(trace.getSpanContext(context.active())?.traceState?.get('vendor')).toBe('1');
    expect(propagation.getActiveBaggage()?.getEntry('tenant')?.value).toBe('acme');
    return call();
  });
  expect.assertions(6);
});
