import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 25;

/** Resolves as soon as `check` passes; rejects as it last did when it doesn't in time. */
export async function within(timeoutMs: number, check: () => Promise<void>): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
    }
    await pause(POLL_MS);
  }
}
