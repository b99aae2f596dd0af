import type { CallContext } from '../../call/call-context.js';

/** A unary call outside the tunnel that has no reply yet. */
export interface CallInFlight {
  readonly context: CallContext;
  /** Fails it, because the peer is silent. */
  readonly abandon: () => void;
}

/** The calls of a connection for which a caller waits. */
export class ActiveCalls {
  /** The number of calls. */
  all = 0;
  /** The number of calls with one request and one reply, which comes as soon as the peer can send it. */
  unary = 0;
  /** The unary calls outside the tunnel. */
  readonly inFlight = new Set<CallInFlight>();
  readonly #onLeft: () => void;

  /** @param onLeft runs each time that a call has ended, or that its caller has left. */
  constructor(onLeft: () => void) {
    this.#onLeft = onLeft;
  }

  begin(stream: boolean): void {
    this.all += 1;
    if (!stream) this.unary += 1;
  }

  leave(stream: boolean): void {
    this.all -= 1;
    if (!stream) this.unary -= 1;
    this.#onLeft();
  }

  /** Fails the unary calls of `contexts` outside the tunnel. */
  abandon(contexts: ReadonlySet<CallContext>): void {
    for (const call of [...this.inFlight]) if (contexts.has(call.context)) call.abandon();
  }
}
