import { expect, it } from '@jest/globals';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { MAX_SERIES, ObservedMetrics } from './observed.js';

class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

function metered() {
  const observed = new ObservedMetrics();
  const reader = new Reader({ metricProducers: [observed] });
  const meter = observed.over(new MeterProvider({ readers: [reader] }).getMeter('test'));
  const read = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    const told = metrics.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }) => [attributes.of ?? '', value]),
    ]);
    return { told, errors };
  };
  return { meter, read };
}

it('tells what is observed now, and nothing of labels that no longer are', async () => {
  const { meter, read } = metered();
  let instances = ['a', 'b'];
  const [gauge, counter] = [meter.createObservableGauge('gauge'), meter.createObservableCounter('counter')];
  gauge.addCallback((result) => instances.forEach((of) => void result.observe(1, { of })));
  meter.addBatchObservableCallback(
    (result) => instances.forEach((of) => void result.observe(counter, 7, { of })),
    [counter],
  );
  const both = (value: number) => instances.map((of) => [of, value]);
  expect((await read()).told).toEqual([
    ['gauge', both(1)],
    ['counter', both(7)],
  ]);
  instances = ['b'];
  expect((await read()).told).toEqual([
    ['gauge', [['b', 1]]],
    ['counter', [['b', 7]]],
  ]);
});

it('has one series for the same labels of several parts, and bounds their number', async () => {
  const { meter, read } = metered();
  for (const value of [1, 2]) meter.createObservableGauge('shared').addCallback((result) => result.observe(value));
  const many = meter.createObservableGauge('many');
  many.addCallback((result) => {
    for (let of = 0; of < MAX_SERIES + 10; of += 1) result.observe(of, { of });
  });
  const { told } = await read();
  expect(told[0]).toEqual(['shared', [['', 2]]]);
  expect(told[1]?.[1]).toHaveLength(MAX_SERIES);
});

it('tells of the others if one callback fails', async () => {
  const { meter, read } = metered();
  const fault = new Error('away');
  meter.createObservableGauge('bad').addCallback(() => Promise.reject(fault));
  meter.createObservableGauge('good').addCallback((result) => result.observe(1));
  expect(await read()).toEqual({ told: [['good', [['', 1]]]], errors: [fault] });
});
