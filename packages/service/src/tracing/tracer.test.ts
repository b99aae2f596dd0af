import { expect, it } from '@jest/globals';
import type { Attributes, Exception } from '@opentelemetry/api';
import { systemClock, systemWallClock } from '@rondo/rpc/clock';
import { createTracers, type FinishedSpan } from './tracer.js';

function traced() {
  const ended: FinishedSpan[] = [];
  const options = { clock: systemClock, wallClock: systemWallClock, sampler: () => true };
  const tracer = createTracers({ ...options, onEnd: (span) => ended.push(span) }).getTracer('a');
  return { tracer, ended };
}

it('takes the times that the interface takes: of the epoch, of performance.now(), dates and pairs', () => {
  const { tracer, ended } = traced();
  const now = performance.now();
  const epochMs = performance.timeOrigin + now;
  const times = [epochMs, now, new Date(epochMs), [Math.floor(epochMs / 1e3), (epochMs % 1e3) * 1e6]];
  for (const startTime of times as number[]) tracer.startSpan('a', { startTime }).end(startTime);
  for (const { startTime, endTime } of ended) {
    expect(startTime[0] * 1e3 + startTime[1] / 1e6).toBeCloseTo(epochMs, -1);
    expect(endTime).toEqual(startTime);
  }
  expect(ended).toHaveLength(times.length);
});

it('records whatever was thrown, and nothing that it lacks', () => {
  const { tracer, ended } = traced();
  const span = tracer.startSpan('a');
  const thrown: unknown[] = ['text', { code: 'ENOENT', message: 'no such file' }, undefined, null];
  for (const one of thrown) span.recordException(one as Exception);
  span.end();
  expect(ended[0]?.events.map(({ attributes }) => attributes)).toEqual([
    { 'exception.type': 'Error', 'exception.message': 'text' },
    { 'exception.type': 'ENOENT', 'exception.message': 'no such file' },
    { 'exception.type': 'Error' },
    { 'exception.type': 'Error' },
  ]);
  for (const { attributes } of ended[0]?.events ?? []) expect(Object.values(attributes)).not.toContain(undefined);
});

it('leaves out what is no attribute, which an exporter may not be able to write', () => {
  const { tracer, ended } = traced();
  const circular: { own?: unknown } = {};
  circular.own = circular;
  const given = { text: 'a', many: [1, 2], none: null, circular, big: 1n } as unknown as Attributes;
  tracer.startSpan('a', { attributes: given }).end();
  expect(ended[0]?.attributes).toEqual({ text: 'a', many: [1, 2] });
});
