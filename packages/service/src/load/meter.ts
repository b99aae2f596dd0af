import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { ServerCall } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import { observeReply } from '@rondo/rpc/internal';
import type { Middleware } from '@rondo/rpc/middleware';
import { MethodReports } from './method-load.js';

/** The load of a server. */
export interface Load {
  /** Calls that have started and not ended. */
  readonly callsInFlight: number;
  /** Calls that have started since the process started. */
  readonly callsBegun: number;
  /** Calls started per second, over the last five seconds. */
  readonly callsPerSecond: number;
}

/** Counts the calls of a server. */
export interface LoadMeter {
  /** The load now. */
  read(): Load;
  /** Counts each call, and attaches a load report to its trailer. It is outermost in the chain. */
  readonly middleware: Middleware<ServerCall>;
}

/** How calls are counted. */
interface LoadMeterOptions {
  readonly clock: Clock;
  /** Fully qualified services whose calls don't count, such as health. */
  readonly ignored: readonly string[];
  /** The current event loop utilization, from 0 to 1. */
  readonly cpu: () => number;
}

/**
 * Counts the calls that a drain waits for, and reports the load to their callers, method by method: an instance that is
 * slow in one method may be fast in the others. A response stream without a deadline isn't counted, because only its
 * caller ends it, and a caller that needs the stream resumes it at another instance.
 */
export function createLoadMeter({ clock, ignored, cpu }: LoadMeterOptions): LoadMeter {
  const ignoredServices: ReadonlySet<string> = new Set(ignored);
  const methods = new Map<string, MethodReports>();
  const rate = createRate(clock);
  let callsInFlight = 0;
  let callsBegun = 0;

  function reportsOf(path: string, now: number): MethodReports {
    const known = methods.get(path);
    if (known !== undefined) return known;
    const reports = new MethodReports(now, cpu);
    methods.set(path, reports);
    return reports;
  }

  return {
    read: () => ({ callsInFlight, callsBegun, callsPerSecond: rate.read(clock.now()) }),
    middleware(call, next) {
      const { method } = call;
      const endless = method.responseStream && call.deadline === undefined;
      if (endless || ignoredServices.has(method.service)) return next(call);
      const now = clock.now();
      const reports = reportsOf(method.path, now);
      callsInFlight += 1;
      callsBegun += 1;
      rate.add(now);
      reports.begin(now);
      const end = (error?: unknown) => {
        callsInFlight -= 1;
        reports.end(call, error, clock.now());
      };
      return next(call).then(
        (reply) => observeReply(reply, { end }),
        (error: unknown) => {
          end(error);
          throw error;
        },
      );
    },
  };
}

const WINDOW_MS = 5_000;

/** A rate over a sliding window: the part of the previous window that still lies within counts in proportion. */
function createRate(clock: Clock): { add(now: number): void; read(now: number): number } {
  let startedAt = clock.now();
  let count = 0;
  let before = 0;
  const roll = (now: number) => {
    const windows = Math.floor((now - startedAt) / WINDOW_MS);
    if (windows === 0) return;
    before = windows === 1 ? count : 0;
    count = 0;
    startedAt += windows * WINDOW_MS;
  };
  return {
    add(now) {
      roll(now);
      count += 1;
    },
    read(now) {
      roll(now);
      const passed = (now - startedAt) / WINDOW_MS;
      return (count + before * (1 - passed)) / (WINDOW_MS / 1_000);
    },
  };
}

/** Reads the event loop's active and idle time so far, as in `node:perf_hooks`. */
type ReadEventLoop = () => Pick<EventLoopUtilization, 'active' | 'idle'>;

/** Minimum time between two samples, in milliseconds. */
const SAMPLE_MS = 1_000;

/**
 * Measures the utilization of this process's event loop between the last two samples, from 0 to 1; 0 before the second
 * sample.
 */
export function createCpuMeter(clock: Clock, read: ReadEventLoop = () => performance.eventLoopUtilization()) {
  let sample = read();
  let sampledAt = clock.now();
  let utilization = 0;
  return (): number => {
    const now = clock.now();
    if (now - sampledAt < SAMPLE_MS) return utilization;
    const { active, idle } = read();
    const passed = active - sample.active + idle - sample.idle;
    if (passed > 0) utilization = (active - sample.active) / passed;
    sample = { active, idle };
    sampledAt = now;
    return utilization;
  };
}
