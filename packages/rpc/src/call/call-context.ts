import { setMaxListeners } from 'node:events';
import { type Clock, systemClock, type Timer } from '@rondo/base';
import { clientErrors } from '../errors/client.js';
import { RpcError } from '../status/rpc-error.js';
import type { CallSpan } from './trace.js';

/**
 * Where a deadline comes from: the caller, the contract, the client's default for calls without a limit, the call in
 * whose handler this call was made, or the proxy that passes the call on.
 */
export type DeadlineSource = 'caller' | 'contract' | 'default' | 'inherited' | 'proxy';

/** Options of {@link CallContext}. */
export interface CallContextOptions {
  /** Absolute deadline by `clock`, in milliseconds; undefined for none. */
  readonly deadline?: number | undefined;
  /** Where the deadline comes from; the caller by default. */
  readonly by?: DeadlineSource;
  readonly clock?: Clock;
  /** End the call early, with their reason: the contexts of enclosing calls and the caller's abort signals. */
  readonly parents?: readonly Parent[];
}

type Parent = CallContext | AbortSignal | undefined;

/**
 * Ends a call at its deadline or when its caller cancels. Code that waits for the call gets the reason, an {@link
 * RpcError} of `DEADLINE_EXCEEDED` or `CANCELLED`.
 *
 * An `AbortSignal` costs more than everything else here together, so it is created only when it is first read.
 */
export class CallContext {
  /** Whether a server's handler has been given the call. Until then nothing has been done for it. */
  handling = false;
  /** The server's count of calls that may queue; undefined if the call isn't in it. */
  counted: { setAside(): void } | undefined;
  /** What a server's handler has returned, until it has settled: a handler may run on although the call has ended. */
  running: unknown;
  /** The call's span. It is no property at all while tracing is off. */
  declare span?: CallSpan;
  readonly #parents: readonly Parent[];
  #endsAt: number | undefined;
  #timer: Timer | undefined;
  #otherEnd: Timer | undefined;
  #reason: RpcError | undefined;
  #controller: AbortController | undefined;
  /** The first listener. Most calls have one at a time, which needs no set. */
  #listener: (() => void) | undefined;
  #listeners: Set<() => void> | undefined;
  #reject: ((reason: unknown) => void) | undefined;

  constructor({ deadline, by = 'caller', clock = systemClock, parents = [] }: CallContextOptions = {}) {
    this.#parents = parents;
    this.#endsAt = deadline;
    for (const parent of parents) {
      if (parent !== undefined && this.#reason === undefined) this.#follow(parent);
    }
    if (deadline !== undefined) this.endAt(deadline, clock, by);
  }

  /** Absolute deadline in milliseconds, by the clock that measures it; undefined for none. */
  get endsAt(): number | undefined {
    return this.#endsAt;
  }

  /** Why the call has ended; undefined while it runs. */
  get reason(): RpcError | undefined {
    return this.#reason;
  }

  /** Aborts when the call ends, with the same reason. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // Many calls may listen to one signal, and each removes its listener. Node would warn of a leak.
      setMaxListeners(Number.POSITIVE_INFINITY, this.#controller.signal);
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Takes the call out of the server's count: it waits for something that no refusal of other calls brings back. */
  setAside(): void {
    this.counted?.setAside();
    this.counted = undefined;
  }

  /** @throws RpcError the reason, if the call has ended. */
  throwIfEnded(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** Calls `listener` when the call ends, or at once if it has ended. {@link CallContext.offEnd} removes the listener. */
  onEnd(listener: () => void): void {
    if (this.#reason !== undefined) {
      listener();
      return;
    }
    if (this.#listener === undefined && !this.#listeners?.has(listener)) this.#listener = listener;
    else if (this.#listener !== listener) {
      this.#listeners ??= new Set();
      this.#listeners.add(listener);
    }
  }

  offEnd(listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#listeners?.delete(listener);
  }

  /** Settles as `work` does, or rejects with the reason if the call ends first. Only one race may run at a time. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      work.then(resolve, reject);
      if (this.#reason !== undefined) reject(this.#reason);
    });
  }

  /** Cancels the timer and removes the listeners on the parents. Call it once the call has an outcome. */
  release(): void {
    this.#timer?.cancel();
    this.#otherEnd?.cancel();
    for (const parent of this.#parents) {
      if (parent instanceof CallContext) parent.offEnd(this.#onParent);
      else parent?.removeEventListener('abort', this.#onParent);
    }
  }

  /** Sets the deadline, by `clock`. It replaces an earlier one. */
  endAt(deadline: number, clock: Clock, by: DeadlineSource = 'caller'): void {
    this.#endsAt = deadline;
    if (this.#reason !== undefined) return;
    this.#timer?.cancel();
    const allowedMs = deadline - clock.now();
    if (allowedMs <= 0) this.end(deadlineExceeded(allowedMs, by));
    else this.#timer = clock.setTimer(allowedMs, () => this.end(deadlineExceeded(allowedMs, by)));
  }

  /** Ends the call after `ms` by `clock` for another reason than its deadline, unless it has an outcome before. */
  endAfter(ms: number, clock: Clock, reason: () => RpcError): void {
    if (this.#reason !== undefined) return;
    this.#otherEnd?.cancel();
    this.#otherEnd = clock.setTimer(ms, () => this.end(reason()));
  }

  /** Ends the call now. Only the first reason counts. */
  end(reason: RpcError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.release();
    this.#controller?.abort(reason);
    this.#reject?.(reason);
    this.#listener?.();
    for (const listener of this.#listeners ?? []) listener();
  }

  #follow(parent: CallContext | AbortSignal): void {
    if (parent instanceof CallContext) {
      parent.onEnd(this.#onParent);
    } else if (parent.aborted) {
      this.#onParent();
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

function hasEnded(parent: Parent): parent is CallContext | AbortSignal {
  return parent instanceof CallContext ? parent.reason !== undefined : parent?.aborted === true;
}

function reasonOf(parent: CallContext | AbortSignal): RpcError {
  const { reason } = parent;
  return reason instanceof RpcError ? reason : cancelled(reason);
}

/** The error of a call that its caller cancelled. */
export function cancelled(cause?: unknown): RpcError {
  return clientErrors.CANCELLED({ cause });
}

/** The error of a call that took longer than `allowedMs`. */
export function deadlineExceeded(allowedMs: number, by: DeadlineSource): RpcError {
  return clientErrors.TOO_LATE({ allowed: Math.max(0, Math.round(allowedMs)), limitAndRemedy: WHOSE[by] });
}

/** Which limit it was, and what to do about it: the end of a sentence. */
const WHOSE: Readonly<Record<DeadlineSource, string>> = {
  caller: 'that its caller gave the call; allow it more time or ask for less',
  contract:
    'that the contract allows the call at most; ask for less, or raise (rondo.options.v1.method).timeout in the contract',
  default: 'that a call has whose caller sets no limit; set timeoutMs or deadline, or ask for less',
  proxy: 'that the proxy allows a call whose caller sets no lower limit; set one, or ask for less',
  inherited: 'that the call had left in whose handler it was made; allow that one more time or ask for less',
};
