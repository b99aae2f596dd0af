import { runOutsideScope } from '@rondo/rpc/call';
import type { UnaryCall } from './cache.js';

/** Calls `call` with each of the requests, in the background. If too many requests wait, further ones are dropped. */
export type Prefetch = <R>(call: UnaryCall<R>, requests: readonly NoInfer<R>[]) => void;

/** How many requests are under way at a time, so that calls that are needed now come first. */
const MAX_CALLS = 4;
const MAX_WAITING = 256;

export function createPrefetch(): Prefetch {
  const waiting: (() => Promise<unknown>)[] = [];
  let running = 0;
  const run = (): void => {
    while (running < MAX_CALLS) {
      const call = waiting.shift();
      if (call === undefined) return;
      running += 1;
      const done = () => {
        running -= 1;
        run();
      };
      call().then(done, done);
    }
  };
  return (call, requests) => {
    for (const request of requests.slice(0, MAX_WAITING - waiting.length)) waiting.push(async () => call(request));
    // A call of the caller's scope would end with it.
    runOutsideScope(run);
  };
}
