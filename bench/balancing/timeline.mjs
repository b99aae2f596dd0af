import { setTimeout as sleep } from 'node:timers/promises';
import { now } from './caller.mjs';

/**
 * Lets a client call at a rate for `seconds`, and meanwhile does what `events` say, each `{ at, run }` with `at` in seconds.
 *
 * @returns `calls`, how many were `skipped`, and `origin`: when it began, in milliseconds.
 */
export async function timeline(client, { perSecond, seconds, methods, keys, events = [] }) {
  const origin = now();
  const loading = client.load({ perSecond, count: Math.round(perSecond * seconds), methods, keys });
  const happening = (async () => {
    for (const { at, run } of events) {
      await sleep(Math.max(0, origin + at * 1000 - now()));
      await run();
    }
  })();
  const [{ calls, skipped }] = await Promise.all([loading, happening]);
  return { calls, skipped, origin };
}
