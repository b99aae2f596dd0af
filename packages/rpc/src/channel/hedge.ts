import type { Timer } from '@rondo/base';
import type { Reply } from '../call/call.js';
import { CallContext } from '../call/call-context.js';
import type { HedgePolicy } from '../contract/hedge-policy.js';
import { clientErrors } from '../errors/client.js';
import { RpcError } from '../status/rpc-error.js';
import type { WireCall } from '../transport/transport.js';
import { classifyFailure } from './failure.js';
import type { HedgeDelay } from './hedge-delays.js';
import type { RetriedCall } from './retry.js';

/**
 * A hedged call: it starts an attempt at another instance after each delay without an answer. The first answer
 * wins, also if it is an error that isn't retried, and the other attempts are cancelled.
 */
export class HedgedCall {
  readonly #call: RetriedCall;
  readonly #wire: WireCall;
  readonly #observed: HedgeDelay;
  readonly #delayMs: number | undefined;
  readonly #startedAt: number;
  /** One for each instance that is asked, in the order in which they were. */
  readonly #contexts: CallContext[] = [];
  #timer: Timer | undefined;
  #running = 0;
  #settled = false;

  constructor(call: RetriedCall, wire: WireCall, { delayMs }: HedgePolicy) {
    const { pool, clock } = call.options;
    this.#call = call;
    this.#wire = wire;
    this.#observed = pool.hedgeDelays.of(wire.path);
    this.#delayMs = delayMs ?? this.#observed.ms;
    this.#startedAt = clock.now();
  }

  run(): Promise<Reply<Uint8Array>> {
    return new Promise((resolve, reject) => this.#ask({ resolve, reject }));
  }

  #mayHedge(): boolean {
    const { exhausted, hasOthers, options } = this.#call;
    return !exhausted && hasOthers && this.#wire.context.reason === undefined && options.budget.withdraw();
  }

  /** Asks an instance, and another one after the delay. */
  #ask(outcome: Outcome): void {
    const { clock } = this.#call.options;
    const context = new CallContext({ clock, parents: [this.#wire.context] });
    const { span } = this.#wire.context;
    if (span !== undefined) context.span = span;
    this.#contexts.push(context);
    this.#running += 1;
    this.#call.run({ ...this.#wire, context }).then(
      (reply) => {
        if (!this.#settled) this.#observed.note(clock.now() - this.#startedAt);
        this.#end(context);
        outcome.resolve(reply);
      },
      (error: unknown) => {
        context.release();
        this.#running -= 1;
        if (this.#running > 0 && !this.#isFinal(error)) return;
        this.#end(context);
        outcome.reject(error);
      },
    );
    if (this.#delayMs === undefined) return;
    this.#timer = clock.setTimer(this.#delayMs, () => {
      if (this.#mayHedge()) this.#ask(outcome);
    });
  }

  /** Whether an error ends the call while attempts run. That no other instance can be asked says nothing of those. */
  #isFinal(error: unknown): boolean {
    const isAnswer = !(error instanceof RpcError) || error.origin === 'server';
    return isAnswer && classifyFailure(this.#call.method, error, false)?.retryable !== true;
  }

  /** The call has an outcome, from the attempts of `context`. Cancels the others. */
  #end(context: CallContext): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#timer?.cancel();
    const answered = this.#contexts.indexOf(context);
    for (const [index, other] of this.#contexts.entries()) {
      if (index === answered) other.release();
      else other.end(index < answered ? clientErrors.OVERTAKEN_BY_HEDGE() : clientErrors.OVERTAKEN());
    }
  }
}

/** How the call's promise is settled. Only the first outcome counts. */
interface Outcome {
  readonly resolve: (reply: Reply<Uint8Array>) => void;
  readonly reject: (error: unknown) => void;
}
