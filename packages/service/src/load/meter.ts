import type { ServerCall } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import { type Middleware, observeReply } from '@rondo/rpc/middleware';
import { MethodReports } from './method-load.js';
import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** What a server has to do. */
export interface Load {
  /** Calls that have begun and not ended. */
  readonly callsInFlight: number;
  /** Calls that have begun since the process started. */
  readonly callsBegun: number;
  /** Calls that began a second, of late. */
  readonly callsPerSecond: number;
}

/** Counts the calls of a server. */
export interface LoadMeter {
  /** The load now. */
  read(): Load;
  /** Sees each call, and tells its caller of the load; stands outermost in the chain. */
  readonly middleware: Middleware<ServerCall>;
}

/** How calls are counted. */
interface LoadMeterOptions {
  readonly clock: Clock;
  /** Services, fully qualified, whose calls are no work: health and the like. */
  readonly ignored: readonly string[];
  /** The share of its time, 0 to 1, that the process is busy. */
  readonly cpu: () => number;
}

/**
 * Counts the calls that a drain waits for, and tells their callers of the load, method by method: an instance that is
 * slow in one may be as good as any in the others. A response stream without a deadline isn't counted: nothing but its
 * caller ends it, and whoever wants it goes to another instance.
 */
export function createLoadMeter({ clock, ignored, cpu }: LoadMeterOptions): LoadMeter {
  const uncounted: ReadonlySet<string> = new Set(ignored);
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
      if (endless || uncounted.has(method.service)) return next(call);
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

/** A rate over the last window: of the window before it counts what still lies within. */
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

/** What the event loop has been doing so far, as `node:perf_hooks` has it. */
type ReadEventLoop = () => Pick<EventLoopUtilization, 'active' | 'idle'>;

/** It is looked at no more often. Milliseconds. */
const SAMPLE_MS = 1_000;

/** The share of its time, 0 to 1, that this process's event loop was busy of late; 0 until there is one to tell of. */
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
