import { expect, it } from '@jest/globals';
import { Instruments, MAX_SERIES } from './instruments.js';

function metered() {
  const instruments = new Instruments();
  const read = async () => {
    const { metrics, errors } = await instruments.collect();
    const collected = metrics.map(({ name, points }) => [
      name,
      points.map(({ attributes, value }) => [attributes.of ?? '', value]),
    ]);
    return { collected, errors };
  };
  return { instruments, meter: instruments.meter, read };
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
  expect((await read()).collected).toEqual([
    ['gauge', both(1)],
    ['counter', both(7)],
  ]);
  instances = ['b'];
  expect((await read()).collected).toEqual([
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
  const { collected } = await read();
  expect(collected[0]).toEqual(['shared', [['', 2]]]);
  expect(collected[1]?.[1]).toHaveLength(MAX_SERIES);
});

it('tells of the others if one callback fails', async () => {
  const { meter, read } = metered();
  const fault = new Error('away');
  meter.createObservableGauge('bad').addCallback(() => Promise.reject(fault));
  meter.createObservableGauge('good').addCallback((result) => result.observe(1));
  expect(await read()).toEqual({ collected: [['good', [['', 1]]]], errors: [fault] });
});

it('adds up what is recorded by its labels, and what has too many of them together', async () => {
  const { meter, read } = metered();
  const [counter, gauge] = [meter.createCounter('counter'), meter.createGauge('gauge')];
  for (const value of [1, 2, -4]) counter.add(value, { of: 'a' });
  meter.createCounter('counter').add(5, { of: 'b' });
  for (const value of [1, 2]) gauge.record(value);
  meter.createUpDownCounter('both').add(-4);
  expect((await read()).collected).toEqual([
    [
      'counter',
      [
        ['a', 3],
        ['b', 5],
      ],
    ],
    ['gauge', [['', 2]]],
    ['both', [['', -4]]],
  ]);
  for (let of = 2; of < MAX_SERIES + 10; of += 1) counter.add(1, { of: `i${of}` });
  const values = (await read()).collected[0]?.[1];
  expect(values).toHaveLength(MAX_SERIES + 1);
  expect(values?.at(-1)).toEqual(['', 10]);
});

it('counts the values of a histogram by the bounds of its buckets', async () => {
  const { meter, instruments } = metered();
  const histogram = meter.createHistogram('h', { unit: 's', advice: { explicitBucketBoundaries: [1, 5] } });
  for (const value of [0.5, 1, 2, 5, 6]) histogram.record(value);
  const { metrics } = await instruments.collect();
  expect(metrics).toMatchObject([
    { kind: 'histogram', boundaries: [1, 5], points: [{ value: 14.5, counts: [2, 2, 1] }] },
  ]);
});

it('leaves out what is no number, or would lower what only grows', async () => {
  const { meter, read } = metered();
  const [both, histogram] = [meter.createUpDownCounter('both'), meter.createHistogram('h')];
  for (const value of [1, Number.NaN]) both.add(value);
  for (const value of [2, -3, Number.NaN]) histogram.record(value);
  expect((await read()).collected).toEqual([
    ['both', [['', 1]]],
    ['h', [['', 2]]],
  ]);
});

it('keeps the labels that were given, even if the caller changes its object', async () => {
  const { meter, read } = metered();
  const counter = meter.createCounter('counter');
  const labels = { of: 'a' };
  counter.add(1, labels);
  labels.of = 'b';
  counter.add(2, labels);
  expect((await read()).collected).toEqual([
    [
      'counter',
      [
        ['a', 1],
        ['b', 2],
      ],
    ],
  ]);
});
