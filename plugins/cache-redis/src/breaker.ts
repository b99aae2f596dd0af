import type { Clock, Timer } from '@rondo/rpc/clock';

/** Options of {@link createBreaker}. Times are milliseconds. */
export interface BreakerOptions {
  readonly clock: Clock;
  /** How long one piece of work may take. */
  readonly timeoutMs: number;
  /** How long after a failure it is tried whether the work can be done again. */
  readonly retryMs: number;
  /** Resolves if the work can be done again. */
  readonly probe: () => Promise<unknown>;
  /** Called at each change. */
  readonly onChange: (open: boolean, reason: unknown) => void;
  /** Called with the number of probes that have failed in a row. */
  readonly onProbeFailed: (failures: number) => void;
}

/** Does work that may be away, without waiting for it more than once. */
export interface Breaker {
  /** The result of `work`; undefined if it fails or takes too long, or the breaker is open. */
  run<T>(work: () => Promise<T>): Promise<T | undefined>;
  /** Opens the breaker at once, as several failures in a row do. */
  open(reason: unknown): void;
  close(): void;
}

/** A single delay may be chance, such as a pause of this process. */
const FAILURES_TO_OPEN = 3;

/** While it is open, no work is begun: probes in the background find out when it can be closed. */
export function createBreaker(options: BreakerOptions): Breaker {
  const { clock, timeoutMs, retryMs, probe, onChange, onProbeFailed } = options;
  let isOpen = false;
  let ended = false;
  let failures = 0;
  let inARow = 0;
  let timer: Timer | undefined;

  const probeLater = (): void => {
    timer = clock.setTimer(retryMs, () => {
      within(probe(), { clock, timeoutMs }).then(
        () => {
          if (ended) return;
          isOpen = false;
          inARow = 0;
          onChange(false, undefined);
        },
        () => {
          if (ended) return;
          failures += 1;
          onProbeFailed(failures);
          probeLater();
        },
      );
    });
  };
  const open = (reason: unknown): void => {
    if (isOpen || ended) return;
    isOpen = true;
    failures = 0;
    onChange(true, reason);
    probeLater();
  };
  return {
    open,
    async run(work) {
      if (isOpen || ended) return undefined;
      try {
        const result = await within(work(), { clock, timeoutMs });
        inARow = 0;
        return result;
      } catch (error) {
        inARow += 1;
        if (inARow >= FAILURES_TO_OPEN) open(error);
        return undefined;
      }
    },
    close() {
      ended = true;
      timer?.cancel();
    },
  };
}

/** Settles as `work` does, or rejects after `timeoutMs`. */
function within<T>(
  work: Promise<T>,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
