import { expect, it } from '@jest/globals';
import { ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { ManualClock } from '@rondo/rpc/testing';
import { recordingLogger } from '../../../packages/service/test/recording-logger.js';
import { Batches } from './batches.js';

const SPAN = {} as ReadableSpan;

it('loses a batch that the exporter throws on, counts it, and sends the next', async () => {
  const clock = new ManualClock();
  const { log, lines } = recordingLogger();
  const counted: unknown[] = [];
  const createCounter = () => ({ add: (count: number, labels: object) => void counted.push([count, labels]) });
  const sent: number[] = [];
  const exporter: SpanExporter = {
    export(spans, onDone) {
      sent.push(spans.length);
      if (sent.length === 1) throw new RangeError('too deep');
      onDone({ code: ExportResultCode.SUCCESS });
    },
    shutdown: async () => undefined,
  };
  const options = { resource: {}, environment: {}, names: [], clock, log, meter: { createCounter } };
  const batches = new Batches(exporter, options as unknown as ConstructorParameters<typeof Batches>[1]);
  batches.add(SPAN);
  await clock.advance(5_000);
  batches.add(SPAN);
  await batches.close();
  expect(sent).toEqual([1, 1]);
  expect(counted).toEqual([
    [1, { 'error.type': 'RangeError' }],
    [1, {}],
  ]);
  expect(lines).toEqual(['warn: spans are lost: look at the collector, or sample less', 'info: spans are sent again']);
});
