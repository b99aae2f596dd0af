import type {
  Attributes,
  BatchObservableCallback,
  Meter,
  MetricOptions,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import { withTimeout } from '@rondo/base';
import { systemClock } from '@rondo/rpc/clock';

/** The most series of one instrument. What is observed after them is left out; what is recorded is counted together. */
export const MAX_SERIES = 2_000;
/** A callback that takes longer has no values this time. */
const TIMEOUT_MS = 2_000;
/** The labels of what is recorded beyond the bound. Source: https://opentelemetry.io/docs/specs/otel/metrics/sdk/ */
const OVERFLOW: Attributes = { 'otel.metric.overflow': true };

/** What an instrument measures. The values of an `up_down_counter` and of a `gauge` go up and down. */
type Kind = 'counter' | 'up_down_counter' | 'gauge' | 'histogram';

/** One value of an instrument. */
export interface Point {
  readonly attributes: Attributes;
  /** Of a histogram the sum of what has been recorded. */
  readonly value: number;
  /** Of a histogram how many values each bucket has; the last one is without a bound. */
  readonly counts: readonly number[];
}

/** The values of an instrument, since the process has started. */
export interface MetricData {
  readonly name: string;
  readonly kind: Kind;
  readonly unit: string;
  readonly description: string;
  /** The upper bounds of the buckets of a histogram. */
  readonly boundaries: readonly number[];
  readonly points: readonly Point[];
}

interface RecordedPoint extends Point {
  value: number;
  readonly counts: number[];
}

/** Points by their labels. */
type Series = Map<string, RecordedPoint>;

interface Instrument extends Observable {
  readonly kind: Kind;
  readonly options: MetricOptions;
  readonly callbacks: Set<ObservableCallback>;
  /** What has been recorded. */
  readonly recorded: Series;
}

const nothing = () => undefined;
const NO_INSTRUMENT = { add: nothing, record: nothing };

/**
 * The instruments of a process. Observable ones have the values that their callbacks observe now, and none of labels that are no longer
 * observed, such as those of an instance that has left. OpenTelemetry's SDK goes on to tell these, and is larger than a service.
 */
export class Instruments {
  readonly #instruments = new Map<string, Instrument>();
  readonly #batches = new Set<BatchObservableCallback>();
  /** Makes the instruments. One of the same name is the same: several parts of a process may observe it. */
  readonly meter: Meter;

  /** @param options.records whether values are recorded; if not, they can only be observed. */
  constructor({ records = true }: { readonly records?: boolean } = {}) {
    const recorder = (kind: Kind) => (name: string, options?: MetricOptions) =>
      records ? recorderOf(this.#instrument(name, kind, options)) : NO_INSTRUMENT;
    const observable = (kind: Kind) => (name: string, options?: MetricOptions) => this.#instrument(name, kind, options);
    this.meter = {
      createGauge: recorder('gauge'),
      createHistogram: recorder('histogram'),
      createCounter: recorder('counter'),
      createUpDownCounter: recorder('up_down_counter'),
      createObservableGauge: observable('gauge'),
      createObservableCounter: observable('counter'),
      createObservableUpDownCounter: observable('up_down_counter'),
      addBatchObservableCallback: (callback) => void this.#batches.add(callback),
      removeBatchObservableCallback: (callback) => void this.#batches.delete(callback),
    };
  }

  /** What the callbacks of an instrument observe at once. */
  read(name: string): readonly Point[] {
    const observed: Series = new Map();
    for (const callback of this.#instruments.get(name)?.callbacks ?? [])
      void callback({ observe: (value, labels) => observe(observed, value, labels) });
    return [...observed.values()];
  }

  /** All values, and the errors of the callbacks that fail. */
  async collect(): Promise<{ readonly metrics: readonly MetricData[]; readonly errors: readonly unknown[] }> {
    const observed = new Map<Observable, Series>();
    const add = (instrument: Observable, value: number, labels?: Attributes) => {
      const series: Series = observed.get(instrument) ?? new Map();
      observe(series, value, labels);
      observed.set(instrument, series);
    };
    const running = [...this.#batches].map(async (callback) => callback({ observe: add }));
    for (const instrument of this.#instruments.values()) {
      const result = { observe: (value: number, labels?: Attributes) => add(instrument, value, labels) };
      running.push(...[...instrument.callbacks].map(async (callback) => callback(result)));
    }
    const errors = await settled(running);
    const metrics = [...this.#instruments].flatMap(([name, instrument]) => {
      const { kind, options, recorded } = instrument;
      const points = [...recorded.values(), ...(observed.get(instrument)?.values() ?? [])];
      const { unit = '', description = '' } = options;
      return points.length === 0
        ? []
        : [{ name, kind, unit, description, boundaries: boundariesOf(instrument), points }];
    });
    return { metrics, errors };
  }

  #instrument(name: string, kind: Kind, options: MetricOptions = {}): Instrument {
    const callbacks = new Set<ObservableCallback>();
    const instrument = this.#instruments.get(name) ?? {
      kind,
      options,
      callbacks,
      recorded: new Map(),
      addCallback: (callback) => void callbacks.add(callback),
      removeCallback: (callback) => void callbacks.delete(callback),
    };
    this.#instruments.set(name, instrument);
    return instrument;
  }
}

/** The buckets of a histogram without advice. Source: https://opentelemetry.io/docs/specs/otel/metrics/sdk/ */
const BOUNDARIES = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];

function boundariesOf({ kind, options }: Instrument): readonly number[] {
  return kind === 'histogram' ? (options.advice?.explicitBucketBoundaries ?? BOUNDARIES) : [];
}

function recorderOf(instrument: Instrument) {
  const { kind, recorded } = instrument;
  const boundaries = boundariesOf(instrument);
  // A counter and the sum of a histogram only grow, and one value that is no number would be in every sum after it.
  const isTaken = (value: number) => value >= 0 || (value < 0 && kind !== 'counter' && kind !== 'histogram');
  return {
    add(value: number, labels?: Attributes): void {
      if (isTaken(value)) pointOf(recorded, labels, OVERFLOW).value += value;
    },
    record(value: number, labels?: Attributes): void {
      if (!isTaken(value)) return;
      const point = pointOf(recorded, labels, OVERFLOW);
      point.value = kind === 'gauge' ? value : point.value + value;
      if (kind === 'gauge') return;
      const bucket = boundaries.findIndex((bound) => value <= bound);
      const index = bucket < 0 ? boundaries.length : bucket;
      for (let next = point.counts.length; next <= boundaries.length; next += 1) point.counts.push(0);
      point.counts[index] = (point.counts[index] ?? 0) + 1;
    },
  };
}

/** The point of these labels in a series; the one of `overflow` if there are too many. */
function pointOf(series: Series, attributes: Attributes = {}, overflow?: Attributes): RecordedPoint {
  const key = JSON.stringify(Object.entries(attributes).sort());
  const known = series.get(key);
  if (known !== undefined) return known;
  const point = { attributes: { ...attributes }, value: 0, counts: [] };
  if (series.size < MAX_SERIES || overflow === attributes) series.set(key, point);
  else if (overflow !== undefined) return pointOf(series, overflow, overflow);
  return point;
}

function observe(series: Series, value: number, labels: Attributes | undefined): void {
  pointOf(series, labels).value = value;
}

/** The errors of callbacks that fail, once all have ended or the time is over. */
async function settled(running: readonly Promise<unknown>[]): Promise<unknown[]> {
  const errors: unknown[] = [];
  const all = Promise.all(running.map((one) => one.catch((error: unknown) => errors.push(error))));
  await withTimeout(() => all, { clock: systemClock, timeoutMs: TIMEOUT_MS }).catch(nothing);
  return [...errors];
}
