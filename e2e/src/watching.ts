import { setTimeout as pause } from 'node:timers/promises';

/** The events of a stream. */
export interface Watching<T> {
  /** All events so far. */
  readonly received: readonly T[];
  /** Waits for an event for which `is` holds. Rejects with the stream's failure, or when it hangs. */
  until(is: (event: T) => boolean): Promise<void>;
  /** Ends the stream. Rejects with its failure, if it has failed. */
  stop(): Promise<void>;
}

/** Only a hang reaches it. */
const TIMEOUT_MS = 500_000;
const POLL_MS = 10;

/** Reads a stream, and resolves at its first event; `open` must end it with the signal. */
export async function follow<T>(open: (signal: AbortSignal) => AsyncIterable<T>): Promise<Watching<T>> {
  const received: T[] = [];
  const ending = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  const reading = (async () => {
    try {
      for await (const event of open(ending.signal)) received.push(event);
    } catch (error) {
      if (!ending.signal.aborted) failure = { error };
    }
  })();
  const orFail = (): void => {
    if (failure !== undefined) throw failure.error;
  };
  const until = async (is: (event: T) => boolean): Promise<void> => {
    for (const endsAt = performance.now() + TIMEOUT_MS; !received.some(is); await pause(POLL_MS)) {
      orFail();
      if (performance.now() > endsAt) throw new Error(`no such event among ${received.length}`);
    }
  };
  await until(() => true);
  return {
    received,
    until,
    async stop() {
      ending.abort();
      await reading;
      orFail();
    },
  };
}
