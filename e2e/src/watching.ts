import { setTimeout as pause } from 'node:timers/promises';

/** What somebody is told who follows something. */
export interface Watching<T> {
  /** All that was told so far. */
  readonly told: readonly T[];
  /** Waits until something that `is` so has been told. Rejects with what the stream failed with, or after 20 s. */
  until(is: (event: T) => boolean): Promise<void>;
  /** Ends it. Rejects with what the stream failed with, if it has. */
  stop(): Promise<void>;
}

const TIMEOUT_MS = 120_000;
const POLL_MS = 10;

/** Follows a stream, from its first event on; `open` is to end it with the signal. */
export async function follow<T>(open: (signal: AbortSignal) => AsyncIterable<T>): Promise<Watching<T>> {
  const told: T[] = [];
  const ending = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  const reading = (async () => {
    try {
      for await (const event of open(ending.signal)) told.push(event);
    } catch (error) {
      if (!ending.signal.aborted) failure = { error };
    }
  })();
  const orFail = (): void => {
    if (failure !== undefined) throw failure.error;
  };
  const until = async (is: (event: T) => boolean): Promise<void> => {
    for (const endsAt = performance.now() + TIMEOUT_MS; !told.some(is); await pause(POLL_MS)) {
      orFail();
      if (performance.now() > endsAt) throw new Error(`not told so, but ${told.length} events`);
    }
  };
  await until(() => true);
  return {
    told,
    until,
    async stop() {
      ending.abort();
      await reading;
      orFail();
    },
  };
}
