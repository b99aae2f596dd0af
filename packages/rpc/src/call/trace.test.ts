import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/base/testing';
import { Metadata } from './metadata.js';
import { receivedTraceId, traceOf, undecidedParent, undecidedTraceId } from './trace.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('the trace of a call', () => {
  it.each([
    [`00-${TRACE_ID}-00f067aa0ba902b7-01`, TRACE_ID],
    [`cc-${TRACE_ID}-00f067aa0ba902b7-01-what-the-future-will-be-like`, TRACE_ID],
    [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, undefined],
    [`00-${TRACE_ID.toUpperCase()}-00f067aa0ba902b7-01`, undefined],
    [`00-${TRACE_ID.slice(1)}-00f067aa0ba902b7-01`, undefined],
    [`00-${TRACE_ID}-${'0'.repeat(16)}-01`, undefined],
    [`00-${TRACE_ID}-00f067aa0ba902b7-01-more`, undefined],
    [`cc-${TRACE_ID}-00f067aa0ba902b7-01more`, undefined],
    [`ff-${TRACE_ID}-00f067aa0ba902b7-01`, undefined],
    ['', undefined],
  ])('is read from %j', (traceparent, traceId) => {
    expect(receivedTraceId(new Metadata({ traceparent }))).toBe(traceId);
  });

  it('is missing if none was sent', () => {
    expect(receivedTraceId(new Metadata())).toBeUndefined();
  });

  it.each([
    ['of a caller that does not trace', undecidedParent(TRACE_ID), TRACE_ID],
    ['of 64 bits', undecidedParent(`${'0'.repeat(16)}${TRACE_ID.slice(16)}`), `${'0'.repeat(16)}${TRACE_ID.slice(16)}`],
    ['of a span', `00-${TRACE_ID}-00f067aa0ba902b7-01`, undefined],
    ['not sampled', undecidedParent(TRACE_ID).replace(/01$/, '00'), undefined],
    ['without a trace', undefined, undefined],
  ])('is undecided if it is %s', (_title, traceparent, traceId) => {
    expect(undecidedTraceId(traceparent)).toBe(traceId);
  });

  it('is that of the call around it, or else a new one, and decides nothing for the process that is called', () => {
    const random = seededRandom(1);
    const traceId = random.hex(16);
    const [first, second, third] = [new Metadata(), new Metadata(), new Metadata()];
    expect(traceOf(first, { traceId }, random)).toBe(traceId);
    expect([...first]).toEqual([['traceparent', undecidedParent(traceId)]]);
    expect(traceOf(second, { traceId, metadata: first }, random)).toBe(traceId);
    expect([...second]).toEqual([...first]);
    expect(traceOf(third, undefined, random)).toBe(receivedTraceId(third));
    expect(undecidedTraceId(third.get('traceparent'))).toBe(receivedTraceId(third));
  });

  it('is left out if there is no room for it', () => {
    const full = new Metadata(Array.from({ length: 100 }, (_, index) => [`k${index}`, '']));
    expect(traceOf(full, undefined, seededRandom(1))).toMatch(/^[0-9a-f]{32}$/);
    expect(full.size).toBe(100);
  });

  it('goes on as it was received, with its state, so that other processes see no gap and obey its sampling', () => {
    const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-00`;
    const onward = (more: Record<string, string>) => {
      const metadata = new Metadata();
      const received = new Metadata({ traceparent, ...more });
      traceOf(metadata, { traceId: TRACE_ID, metadata: received }, seededRandom(1));
      return [...metadata];
    };
    expect(onward({ tracestate: 'vendor=1' })).toEqual([
      ['traceparent', traceparent],
      ['tracestate', 'vendor=1'],
    ]);
    expect(onward({ tracestate: 'x'.repeat(513) })).toEqual([['traceparent', traceparent]]);
    const later = `cc${traceparent.slice(2)}-${'x'.repeat(9_000)}`;
    expect(onward({ traceparent: later })).toEqual([['traceparent', traceparent]]);
  });

  it('is kept if the caller has set it', () => {
    const traceparent = `00-${TRACE_ID}-00f067aa0ba902b7-00`;
    const metadata = new Metadata({ traceparent });
    expect(traceOf(metadata, { traceId: seededRandom(1).hex(16) }, seededRandom(2))).toBe(TRACE_ID);
    expect(metadata.getAll('traceparent')).toEqual([traceparent]);
  });
});
