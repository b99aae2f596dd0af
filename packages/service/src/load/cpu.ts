import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { Clock } from '@rondo/rpc/clock';

/** What the event loop has been doing so far, as `node:perf_hooks` has it. */
export type ReadEventLoop = () => Pick<EventLoopUtilization, 'active' | 'idle'>;

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
