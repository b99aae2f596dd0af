import {
  constants,
  type EventLoopUtilization,
  type IntervalHistogram,
  monitorEventLoopDelay,
  PerformanceObserver,
} from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import type { Meter } from '@opentelemetry/api';
import { type Clock, systemClock } from '@rondo/rpc/clock';

/**
 * Meters the process and its runtime by the names of OpenTelemetry's conventions: `process.*`, `nodejs.*`, `v8js.*`. The returned
 * function ends it.
 *
 * Source: https://opentelemetry.io/docs/specs/semconv/runtime/nodejs-metrics/
 */
export function meterRuntime(meter: Meter, clock: Pick<Clock, 'now'> = systemClock): () => void {
  meterProcess(meter);
  meterHeap(meter);
  const stops = [meterEventLoop(meter, clock), meterGarbageCollection(meter)];
  return () => {
    for (const stop of stops) stop();
  };
}

function meterProcess(meter: Meter): void {
  const started = meter.createObservableGauge('process.start_time', {
    unit: 's',
    description: 'When the process started, in seconds since the Unix epoch.',
  });
  started.addCallback((result) => result.observe(performance.timeOrigin / 1000));
  const memory = meter.createObservableGauge('process.memory.usage', {
    unit: 'By',
    description: 'The physical memory of the process.',
  });
  memory.addCallback((result) => result.observe(process.memoryUsage.rss()));
  const cpu = meter.createObservableCounter('process.cpu.time', {
    unit: 's',
    description: 'The processor time that the process has used, by mode: user or system.',
  });
  cpu.addCallback((result) => {
    const { user, system } = process.cpuUsage();
    result.observe(user / 1e6, { 'cpu.mode': 'user' });
    result.observe(system / 1e6, { 'cpu.mode': 'system' });
  });
}

/** How exactly the delay of the event loop is measured, in milliseconds: a timer of this period is a part of each value. */
const RESOLUTION_MS = 10;
/** Every reader with a shorter interval learns of each delay, however many others read: OTLP sends once a minute by default. */
const WINDOW_MS = 60_000;

/** What happened in the event loop since a time. */
interface Window {
  readonly delays: IntervalHistogram;
  since: number;
  sinceBusy: EventLoopUtilization;
}

function meterEventLoop(meter: Meter, clock: Pick<Clock, 'now'>): () => void {
  const busy = meter.createObservableGauge('nodejs.eventloop.utilization', {
    unit: '1',
    description: 'The share of the last one to two minutes in which the event loop was busy.',
  });
  const p99 = meter.createObservableGauge('nodejs.eventloop.delay.p99', {
    unit: 's',
    description:
      'The 99th percentile of the delays of a timer of 10 ms in the last one to two minutes: a quiet loop has 0.01 s. Set an alert on 0.1 s.',
  });
  const max = meter.createObservableGauge('nodejs.eventloop.delay.max', {
    unit: 's',
    description: 'The longest of these delays.',
  });
  let [older, younger] = [openWindow(clock), openWindow(clock)];
  meter.addBatchObservableCallback(
    (result) => {
      if (clock.now() - younger.since >= WINDOW_MS) {
        [older, younger] = [younger, older];
        restart(younger, clock);
      }
      result.observe(busy, performance.eventLoopUtilization(older.sinceBusy).utilization);
      result.observe(p99, older.delays.percentile(99) / 1e9);
      result.observe(max, older.delays.max / 1e9);
    },
    [busy, p99, max],
  );
  return () => {
    for (const { delays } of [older, younger]) delays.disable();
  };
}

function openWindow(clock: Pick<Clock, 'now'>): Window {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  return { delays, since: clock.now(), sinceBusy: performance.eventLoopUtilization() };
}

function restart(window: Window, clock: Pick<Clock, 'now'>): void {
  window.delays.reset();
  window.since = clock.now();
  window.sinceBusy = performance.eventLoopUtilization();
}

function meterHeap(meter: Meter): void {
  const used = meter.createObservableUpDownCounter('v8js.memory.heap.used', {
    unit: 'By',
    description: 'The used memory of each space of the heap.',
  });
  const size = meter.createObservableUpDownCounter('v8js.memory.heap.space.size', {
    unit: 'By',
    description: 'The allocated memory of each space of the heap.',
  });
  meter.addBatchObservableCallback(
    (result) => {
      for (const space of getHeapSpaceStatistics()) {
        const labels = { 'v8js.heap.space.name': space.space_name };
        result.observe(used, space.space_used_size, labels);
        result.observe(size, space.space_size, labels);
      }
    },
    [used, size],
  );
}

/** Names of the conventions, by the kinds of Node. */
const KINDS: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

function meterGarbageCollection(meter: Meter): () => void {
  const duration = meter.createHistogram('v8js.gc.duration', {
    unit: 's',
    description: 'How long garbage collections took, by type: major, minor, incremental, weakcb.',
    advice: { explicitBucketBoundaries: [0.001, 0.01, 0.1, 1, 10] },
  });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) duration.record(entry.duration / 1_000, { 'v8js.gc.type': kindOf(entry) });
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}

function kindOf(entry: object): string {
  const detail = 'detail' in entry ? entry.detail : undefined;
  const kind = typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined;
  return KINDS.get(kind) ?? '_OTHER';
}
