import { setTimeout as sleep } from 'node:timers/promises';

/** How long something is waited for. */
export interface WaitOptions {
  /** Default: five minutes. It bounds what hangs and measures nothing, as the machine may be busy. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 300_000;
const POLL_MS = 20;

/**
 * Tries `attempt` again and again until it doesn't throw.
 *
 * @returns what `attempt` returned.
 * @throws what the last attempt threw, after `timeoutMs`.
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  { timeoutMs = TIMEOUT_MS }: WaitOptions = {},
): Promise<T> {
  const endsAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await sleep(POLL_MS);
    }
  }
}

/**
 * Tries `attempt` again and again until it gives something other than undefined. An attempt that throws is tried again, too.
 *
 * @param options `what` is waited for, in words for the error message.
 * @throws Error after `timeoutMs`. It names `what`, and its `cause` is what the last attempt threw.
 */
export async function until<T>(
  attempt: () => T | undefined | Promise<T | undefined>,
  { what, timeoutMs = TIMEOUT_MS }: WaitOptions & { readonly what: string },
): Promise<T> {
  const defined = async () => {
    const result = await attempt();
    if (result === undefined) throw new Error('the attempt gave undefined');
    return result;
  };
  try {
    return await eventually(defined, { timeoutMs });
  } catch (cause) {
    throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause });
  }
}
