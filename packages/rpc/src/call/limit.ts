import type { Clock, Timer } from '../clock/index.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';

/** What a limit is made from. */
export interface CallLimitOptions {
  /** When the call ends at the latest, by `clock`; undefined for never. */
  readonly deadline: number | undefined;
  /** The signals that end it before, each with its reason. */
  readonly signals: readonly (AbortSignal | undefined)[];
  readonly clock: Clock;
}

/**
 * Ends a call at its deadline, or when its caller leaves: its signal aborts then, and whatever waits for the call
 * gets the reason, an {@link RpcError} of `DEADLINE_EXCEEDED` or `CANCELLED`.
 */
export class CallLimit {
  readonly #controller = new AbortController();
  readonly #signals: readonly AbortSignal[];
  readonly #timer: Timer | undefined;
  #reject: ((reason: unknown) => void) | undefined;

  constructor({ deadline, signals, clock }: CallLimitOptions) {
    this.#signals = signals.filter((signal) => signal !== undefined);
    const allowedMs = deadline === undefined ? undefined : deadline - clock.now();
    if (this.#signals.some(({ aborted }) => aborted)) this.#onAbort();
    else if (allowedMs !== undefined && allowedMs <= 0) this.end(deadlineExceeded(allowedMs));
    else {
      for (const signal of this.#signals) signal.addEventListener('abort', this.#onAbort, { once: true });
      if (allowedMs === undefined) return;
      this.#timer = clock.setTimer(allowedMs, () => this.end(deadlineExceeded(allowedMs)));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** `work`, unless the call ends first. One at a time. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      work.then(resolve, reject);
      if (this.signal.aborted) reject(this.signal.reason);
    });
  }

  /** Lets go of timer and signals, once the call has an outcome. */
  release(): void {
    this.#timer?.cancel();
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#onAbort);
  }

  /** Ends the call now. */
  end(reason: RpcError): void {
    this.release();
    this.#controller.abort(reason);
    this.#reject?.(reason);
  }

  readonly #onAbort = (): void => {
    const aborted = this.#signals.find((signal) => signal.aborted);
    this.end(cancelled(aborted?.reason));
  };
}

function cancelled(reason: unknown): RpcError {
  if (reason instanceof RpcError) return reason;
  return new RpcError(Status.CANCELLED, 'the caller cancelled the call', { cause: reason });
}

function deadlineExceeded(allowedMs: number): RpcError {
  const left = Math.max(0, Math.round(allowedMs));
  return new RpcError(
    Status.DEADLINE_EXCEEDED,
    `no outcome within the ${left} ms that the call was given; allow it more time or ask for less`,
  );
}
