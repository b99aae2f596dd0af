import { expect } from '@jest/globals';
import { sleep, systemClock } from '../../src/exports/clock.js';
import { Status } from '../../src/exports/status.js';
import { failure } from './outcome.js';

const POLL_MS = 10;

/** Resolves once `condition` holds; rejects if it doesn't within `timeoutMs`. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = systemClock.now() + timeoutMs;
  while (!(await condition())) {
    if (systemClock.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${condition}`);
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
  }
}
