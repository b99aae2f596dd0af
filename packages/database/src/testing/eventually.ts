import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 10;
const TIMEOUT_MS = 30_000;

/** Resolves as soon as `condition` holds; rejects, naming `what`, when it doesn't within half a minute. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + TIMEOUT_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${TIMEOUT_MS} ms: ${what}`);
    await pause(POLL_MS);
  }
}
