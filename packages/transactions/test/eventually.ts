import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 25;
/** A bound on what hangs: a machine may be busy. */
const PATIENCE_MS = 120_000;

/** Resolves as soon as `check` passes; rejects as it last did when it never does. */
export async function eventually(check: () => Promise<void>): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
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
