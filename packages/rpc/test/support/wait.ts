import { expect } from '@jest/globals';
import { sleep, systemClock } from '../../src/exports/clock.js';
import { Status } from '../../src/exports/status.js';
import { failure } from './outcome.js';

const POLL_MS = 10;
/** Only a hang takes so long. It is less than the bound of a test, which can't say for what the test waited. */
export const HANG_MS = 540_000;

/** Resolves once `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + HANG_MS;
  while (!(await condition())) {
    if (systemClock.now() > deadline) throw new Error(`it never holds: ${condition}`);
    await sleep(systemClock, POLL_MS);
  }
}

/** The value of `read` once it hasn't changed for `restMs`. */
export async function atRest(read: () => number, restMs = 150): Promise<number> {
  for (let before = read(); ; before = read()) {
    await sleep(systemClock, restMs);
    if (read() === before) return before;
  }
}

/** How late the timers of this process run: what a busy machine adds to each wait. */
export interface Lateness {
  /** The longest delay of a timer so far. Milliseconds. */
  readonly worstMs: number;
  stop(): void;
}

/** Watches how late timers run, until it is stopped. */
export function watchLateness(): Lateness {
  let worstMs = 0;
  let dueAt = systemClock.now() + POLL_MS;
  const look = () => {
    worstMs = Math.max(worstMs, systemClock.now() - dueAt);
    dueAt = systemClock.now() + POLL_MS;
    timer = systemClock.setTimer(POLL_MS, look);
  };
  let timer = systemClock.setTimer(POLL_MS, look);
  return {
    get worstMs() {
      return Math.max(worstMs, systemClock.now() - dueAt);
    },
    stop: () => timer.cancel(),
  };
}

/** A promise and the function that resolves it. */
interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

export function deferred<T = void>(): Deferred<T> {
  let settle: ((value: T) => void) | undefined;
  const promise = new Promise<T>((resolve) => {
    settle = resolve;
  });
  return { promise, resolve: (value) => settle?.(value) };
}

const FIRST_MS = 100;
const LAST_MS = 60_000;

/**
 * Makes a call that runs into its deadline, until `seen` confirms the expected effect. On a busy machine the deadline
 * may pass before the call reaches its handler, or the caller's reset may overtake it. Then the call is repeated with
 * twice the time.
 */
export async function expire(
  call: (timeoutMs: number) => Promise<unknown>,
  seen: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let timeoutMs = FIRST_MS; ; timeoutMs *= 2) {
    expect(await failure(call(timeoutMs))).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    if (await seen()) return;
    if (timeoutMs > LAST_MS) throw new Error(`not with a deadline of ${timeoutMs} ms: ${seen}`);
  }
}
