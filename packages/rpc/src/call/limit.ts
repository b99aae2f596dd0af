import { setMaxListeners } from 'node:events';
import { type Clock, systemClock, type Timer } from '../clock/index.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';

/**
 * Whose limit a deadline is: the caller's, the contract's, the client's own for a call that nothing else limits, or that
 * of the call in whose handler it was made.
 */
export type DeadlineSource = 'caller' | 'contract' | 'default' | 'inherited';

/** What a limit is made from. */
export interface CallLimitOptions {
  /** When the call ends at the latest, by `clock`; undefined for never. */
  readonly deadline?: number | undefined;
  /** Whose limit that is; the caller's by default. */
  readonly by?: DeadlineSource;
  readonly clock?: Clock;
  /** What ends it before, each with its reason: limits of calls around it, and whatever a caller brings. */
  readonly parents?: readonly (CallLimit | AbortSignal)[];
}

/**
 * Ends a call at its deadline, or when its caller leaves: whatever waits for the call gets the reason, an
 * {@link RpcError} of `DEADLINE_EXCEEDED` or `CANCELLED`. An `AbortSignal` costs more than the rest of a call's limits
 * together, so there is one only where somebody asks for it.
 */
export class CallLimit {
  readonly #parents: readonly (CallLimit | AbortSignal)[];
  #endsAt: number | undefined;
  #timer: Timer | undefined;
  #reason: RpcError | undefined;
  #controller: AbortController | undefined;
  #listeners: Set<() => void> | undefined;
  #reject: ((reason: unknown) => void) | undefined;

  constructor({ deadline, by = 'caller', clock = systemClock, parents = [] }: CallLimitOptions = {}) {
    this.#parents = parents;
    this.#endsAt = deadline;
    const ended = parents.find(hasEnded);
    if (ended !== undefined) {
      this.end(reasonOf(ended));
    } else {
      for (const parent of parents) this.#follow(parent);
      if (deadline !== undefined) this.endAt(deadline, clock, by);
    }
  }

  /** When the call ends at the latest, by the clock that measures it; undefined for never. */
  get endsAt(): number | undefined {
    return this.#endsAt;
  }

  /** Why the call has ended; undefined while it hasn't. */
  get reason(): RpcError | undefined {
    return this.#reason;
  }

  /** Aborts when the call ends, with its reason. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // Any number of calls may hang on one signal: each lets go of it.
      setMaxListeners(Number.POSITIVE_INFINITY, this.#controller.signal);
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** @throws RpcError the reason, where the call has ended. */
  throwIfEnded(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** Calls `listener` when the call ends, at once where it has, unless {@link CallLimit.offEnd} takes it back. */
  onEnd(listener: () => void): void {
    if (this.#reason !== undefined) {
      listener();
      return;
    }
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
  }

  offEnd(listener: () => void): void {
    this.#listeners?.delete(listener);
  }

  /** `work`, unless the call ends first. One at a time. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      work.then(resolve, reject);
      if (this.#reason !== undefined) reject(this.#reason);
    });
  }

  /** Lets go of timer and parents, once the call has an outcome. */
  release(): void {
    this.#timer?.cancel();
    for (const parent of this.#parents) {
      if (parent instanceof CallLimit) parent.offEnd(this.#onParent);
      else parent.removeEventListener('abort', this.#onParent);
    }
  }

  /** Ends the call at `deadline`, by `clock`; a deadline that it had before is forgotten. */
  endAt(deadline: number, clock: Clock, by: DeadlineSource = 'caller'): void {
    this.#endsAt = deadline;
    if (this.#reason !== undefined) return;
    this.#timer?.cancel();
    const allowedMs = deadline - clock.now();
    if (allowedMs <= 0) this.end(deadlineExceeded(allowedMs, by));
    else this.#timer = clock.setTimer(allowedMs, () => this.end(deadlineExceeded(allowedMs, by)));
  }

  /** Ends the call now; the first reason stands. */
  end(reason: RpcError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.release();
    this.#controller?.abort(reason);
    this.#reject?.(reason);
    for (const listener of this.#listeners ?? []) listener();
  }

  #follow(parent: CallLimit | AbortSignal): void {
    if (parent instanceof CallLimit) {
      parent.onEnd(this.#onParent);
    } else {
      setMaxListeners(Number.POSITIVE_INFINITY, parent);
      parent.addEventListener('abort', this.#onParent, { once: true });
    }
  }

  readonly #onParent = (): void => {
    const ended = this.#parents.find(hasEnded);
    if (ended !== undefined) this.end(reasonOf(ended));
  };
}

function hasEnded(parent: CallLimit | AbortSignal): boolean {
  return parent instanceof CallLimit ? parent.reason !== undefined : parent.aborted;
}

function reasonOf(parent: CallLimit | AbortSignal): RpcError {
  const { reason } = parent;
  return reason instanceof RpcError ? reason : cancelled(reason);
}

/** Why a call ends whose caller has left. */
export function cancelled(cause?: unknown): RpcError {
  return new RpcError(Status.CANCELLED, 'the caller cancelled the call', { cause });
}

/** Why a call ends that takes longer than it may. */
export function deadlineExceeded(allowedMs: number, by: DeadlineSource): RpcError {
  const left = Math.max(0, Math.round(allowedMs));
  return new RpcError(Status.DEADLINE_EXCEEDED, `no outcome within the ${left} ms ${WHOSE[by]}`);
}

/** What a limit is, and what to do about it. */
const WHOSE: Readonly<Record<DeadlineSource, string>> = {
  caller: 'that its caller gave the call; allow it more time or ask for less',
  contract:
    'that the contract allows the call at most; ask for less, or raise (rondo.options.v1.method).timeout in the contract',
  default: 'that a call has whose caller sets no limit; set timeoutMs or deadline, or ask for less',
  inherited: 'that the call had left in whose handler it was made; allow that one more time or ask for less',
};
