/** The message about a gateway that doesn't answer, though its connection stands. */
export const SILENT = 'the gateway is silent';

/** How an attempt to watch has ended. */
export interface Ended {
  readonly why: string;
  /** Whether an event has come. */
  readonly told: boolean;
  /** Whether another attempt is of no use. */
  readonly isOver: boolean;
}

const [FIRST_WAIT_MS, MAX_WAIT_MS] = [500, 10_000];

/**
 * Watches while the tab can be seen: a browser has few connections to one host, and all tabs share them. It watches again when an attempt
 * ends.
 *
 * @param onEnd Gets the end of each attempt, except those that this or the tab ends.
 * @returns what ends it.
 */
export function followWhileSeen(
  watch: (signal: AbortSignal) => Promise<Ended>,
  onEnd: (ended: Ended) => void,
): () => void {
  let gone = new AbortController();
  let isOver = false;
  const attempt = async (signal: AbortSignal) => {
    for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
      const ended = await watch(signal);
      if (signal.aborted) return;
      onEnd(ended);
      isOver = ended.isOver;
      if (isOver) return;
      if (ended.told) waitMs = FIRST_WAIT_MS;
      await pause(waitMs, signal);
    }
  };
  const follow = () => {
    gone.abort();
    gone = new AbortController();
    if (!document.hidden && !isOver) void attempt(gone.signal);
  };
  follow();
  document.addEventListener('visibilitychange', follow);
  addEventListener('online', follow);
  return () => {
    document.removeEventListener('visibilitychange', follow);
    removeEventListener('online', follow);
    gone.abort();
  };
}

/** Waits, but not longer than until the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
