import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '@rondo/rpc/clock';

/** The time, comparable across the processes of this machine. Milliseconds since the Unix epoch. */
export function now(): number {
  return systemClock.now();
}

/** Lets `ms` pass: how long a fault lasts is part of the fault. */
export function pass(ms: number): Promise<void> {
  return delay(ms);
}

/** How something is waited for. */
export interface UntilOptions {
  /** What is waited for, for the message. */
  readonly what: string;
  readonly timeoutMs: number;
}

/**
 * Waits until `attempt` gives something other than undefined, and returns that.
 *
 * @throws Error when `timeoutMs` are over; it names what was waited for, and what the last attempt threw.
 */
export async function until<T>(
  attempt: () => T | undefined | Promise<T | undefined>,
  { what, timeoutMs }: UntilOptions,
): Promise<T> {
  const endsAt = now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const result = await attempt();
      if (result !== undefined) return result;
    } catch (error) {
      cause = error;
    }
    if (now() > endsAt) throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause });
    await delay(20);
  }
}
