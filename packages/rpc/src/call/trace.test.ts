import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../testing/seeded-random.js';
import { Metadata } from './metadata.js';
import { newTraceId, propagateTrace, receivedTraceId } from './trace.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('the trace of a call', () => {
  it.each([
    [`00-${TRACE_ID}-00f067aa0ba902b7-01`, TRACE_ID],
    [`cc-${TRACE_ID}-00f067aa0ba902b7-01-what-the-future-will-be-like`, TRACE_ID],
    [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, undefined],
    [`00-${TRACE_ID.toUpperCase()}-00f067aa0ba902b7-01`, undefined],
    [`00-${TRACE_ID.slice(1)}-00f067aa0ba902b7-01`, undefined],
    ['', undefined],
  ])('is read from %j', (traceparent, traceId) => {
    expect(receivedTraceId(new Metadata({ traceparent }))).toBe(traceId);
  });

  it('is missing if none was sent', () => {
    expect(receivedTraceId(new Metadata())).toBeUndefined();
  });

  it('is passed on with a new span', () => {
    const random = seededRandom(1);
    const traceId = newTraceId(random);
    const [first, second] = [new Metadata(), new Metadata()];
    propagateTrace(first, traceId, random);
    propagateTrace(second, traceId, random);
    expect(receivedTraceId(first)).toBe(traceId);
    expect(receivedTraceId(second)).toBe(traceId);
    expect(first.get('traceparent')).not.toBe(second.get('traceparent'));
  });

  it('is kept if the caller has set it', () => {
    const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-00`;
    const metadata = new Metadata({ traceparent });
    propagateTrace(metadata, newTraceId(seededRandom(1)), seededRandom(2));
    expect(metadata.getAll('traceparent')).toEqual([traceparent]);
  });
});
