import {
  type Attributes,
  type BatchObservableCallback,
  type Meter,
  type MetricOptions,
  type Observable,
  type ObservableCallback,
  ValueType,
} from '@opentelemetry/api';
import { hrTime } from '@opentelemetry/core';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';

/** The most series of one instrument. What is observed after them is left out. */
export const MAX_SERIES = 2_000;
/** A callback that takes longer has no values this time. */
const TIMEOUT_MS = 2_000;

/** How the values of an instrument are exported. */
type Kind = 'gauge' | 'counter' | 'up_down_counter';

interface Instrument extends Observable {
  readonly name: string;
  readonly kind: Kind;
  readonly options: MetricOptions;
  readonly callbacks: Set<ObservableCallback>;
}

/** The values of each instrument, by their labels, of one collection. */
type Values = Map<Observable, Map<string, { readonly attributes: Attributes; readonly value: number }>>;

/**
 * Observable instruments that tell what their callbacks observe now. Those of the SDK go on to tell the last value of labels that are
 * no longer observed, such as those of an instance that has left, and one label more is one less that the instrument takes.
 */
export class ObservedMetrics implements MetricProducer {
  readonly #startTime = hrTime();
  readonly #instruments = new Map<string, Instrument>();
  readonly #batches = new Set<BatchObservableCallback>();

  /** `meter` with these instruments instead of its own observable ones. */
  over(meter: Meter): Meter {
    return {
      createGauge: (name, options) => meter.createGauge(name, options),
      createHistogram: (name, options) => meter.createHistogram(name, options),
      createCounter: (name, options) => meter.createCounter(name, options),
      createUpDownCounter: (name, options) => meter.createUpDownCounter(name, options),
      createObservableGauge: (name, options) => this.#instrument(name, 'gauge', options),
      createObservableCounter: (name, options) => this.#instrument(name, 'counter', options),
      createObservableUpDownCounter: (name, options) => this.#instrument(name, 'up_down_counter', options),
      addBatchObservableCallback: (callback) => void this.#batches.add(callback),
      removeBatchObservableCallback: (callback) => void this.#batches.delete(callback),
    };
  }

  async collect(): Promise<CollectionResult> {
    const values: Values = new Map();
    const observe = (instrument: Observable, value: number, attributes: Attributes = {}) => {
      const series = values.get(instrument) ?? new Map();
      values.set(instrument, series);
      const labels = JSON.stringify(Object.entries(attributes).sort());
      if (series.size < MAX_SERIES || series.has(labels)) series.set(labels, { attributes, value });
    };
    const running = [...this.#batches].map(async (callback) => callback({ observe }));
    for (const instrument of this.#instruments.values()) {
      const result = { observe: (value: number, labels?: Attributes) => observe(instrument, value, labels) };
      running.push(...[...instrument.callbacks].map(async (callback) => callback(result)));
    }
    const errors = await settled(running);
    const metrics = [...this.#instruments.values()].flatMap((instrument) => this.#dataOf(instrument, values));
    return {
      resourceMetrics: { resource: emptyResource(), scopeMetrics: [{ scope: { name: 'rondo' }, metrics }] },
      errors,
    };
  }

  /** One of that name is the same: several parts of a process may observe it. */
  #instrument(name: string, kind: Kind, options: MetricOptions = {}): Instrument {
    const callbacks = new Set<ObservableCallback>();
    const made: Instrument = {
      name,
      kind,
      options,
      callbacks,
      addCallback: (callback) => void callbacks.add(callback),
      removeCallback: (callback) => void callbacks.delete(callback),
    };
    const instrument = this.#instruments.get(name) ?? made;
    this.#instruments.set(name, instrument);
    return instrument;
  }

  #dataOf(instrument: Instrument, values: Values): readonly MetricData[] {
    const { name, kind, options } = instrument;
    const [startTime, endTime] = [this.#startTime, hrTime()];
    const dataPoints = [...(values.get(instrument)?.values() ?? [])].map((point) => ({ ...point, startTime, endTime }));
    if (dataPoints.length === 0) return [];
    const { description = '', unit = '', valueType = ValueType.DOUBLE } = options;
    const descriptor = { name, description, unit, valueType };
    const data = { descriptor, dataPoints, aggregationTemporality: AggregationTemporality.CUMULATIVE };
    return kind === 'gauge'
      ? [{ ...data, dataPointType: DataPointType.GAUGE }]
      : [{ ...data, dataPointType: DataPointType.SUM, isMonotonic: kind === 'counter' }];
  }
}

/** The errors of callbacks that fail, once all have ended or the time is over. */
async function settled(running: readonly Promise<unknown>[]): Promise<unknown[]> {
  const errors: unknown[] = [];
  const all = Promise.all(running.map((one) => one.catch((error: unknown) => errors.push(error))));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, TIMEOUT_MS);
  });
  await Promise.race([all, late]).finally(() => clearTimeout(timer));
  return [...errors];
}
