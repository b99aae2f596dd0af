import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '@rondo/rpc/clock';

/** The time in milliseconds since the Unix epoch, comparable across the processes of this machine. */
export function now(): number {
  return systemClock.now();
}

/** Lets `ms` pass: how long a fault lasts is part of the fault. */
export function pass(ms: number): Promise<void> {
  return sleep(ms);
}
