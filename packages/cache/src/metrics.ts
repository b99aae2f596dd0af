import type { Meter } from '@opentelemetry/api';
import type { FeedView } from './feed.js';
import type { Memory } from './memory.js';

/** How a call of a method with a cache ended up. */
export const RESULTS = ['hit', 'stale', 'shared', 'miss', 'bypass'] as const;

/** Counts the calls of one method. */
export interface MethodCounts {
  count(result: (typeof RESULTS)[number]): void;
}

/** Counts the calls of methods with a cache, and measures the memory. */
export interface CacheMetrics {
  of(path: string): MethodCounts;
  /** A background call for a new answer failed; the kept one stays. */
  refreshFailed(path: string): void;
}

/** Measures whether each of `feeds` is followed. */
export function meterFeeds(meter: Meter, feeds: () => readonly FeedView[]): void {
  const followed = meter.createObservableGauge('rondo.cache.feed.followed', {
    description:
      'By method: 1 if its feed of changes is followed, 0 if no answers are kept because it is not. Set an alert if it stays 0.',
  });
  followed.addCallback((result) => {
    for (const { service, method, fault } of feeds()) {
      result.observe(fault === undefined ? 1 : 0, { 'rpc.method': `${service}/${method}` });
    }
  });
}

export function createMetrics(meter: Meter, memory: Memory): CacheMetrics {
  const calls = meter.createCounter('rondo.cache.calls', {
    unit: '{call}',
    description:
      "Calls of methods whose contract has a cache, by method and result: hit, stale, shared (another caller's call answered), miss, bypass (the metadata or an option asks for a call).",
  });
  const failures = meter.createCounter('rondo.cache.refresh.failures', {
    unit: '{call}',
    description: 'Calls for a new answer in the background that failed, by method.',
  });
  const size = meter.createObservableGauge('rondo.cache.size', {
    unit: 'By',
    description: 'The memory of kept answers, with their keys.',
  });
  size.addCallback((result) => result.observe(memory.sizeBytes));
  const entries = meter.createObservableGauge('rondo.cache.entries', {
    unit: '{answer}',
    description: 'The kept answers.',
  });
  entries.addCallback((result) => result.observe(memory.entries));
  return {
    of(path) {
      const method = path.slice(1);
      // Made once, so that a hit makes no object for its labels.
      const labels = Object.fromEntries(
        RESULTS.map((result) => [result, { 'rpc.method': method, 'rondo.cache.result': result }]),
      );
      return { count: (result) => calls.add(1, labels[result]) };
    },
    refreshFailed: (path) => failures.add(1, { 'rpc.method': path.slice(1) }),
  };
}
