import type { Clock, Timer } from '@rondo/base';
import { CallContext } from '@rondo/rpc/call';
import { classifyFailure, type Reply } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import type { Hedge } from './channel-types.js';
import { balancingErrors } from './errors.js';

/** Hedges the calls of one method. */
export function hedgeBy({ delayMs }: { readonly delayMs: number | undefined }, clock: Clock): Hedge {
  const observed = new HedgeDelay();
  return (call, wire) => new HedgedCall(call, wire, { observed, delayMs: delayMs ?? observed.ms, clock }).run();
}

type HedgedAttempts = Parameters<Hedge>[0];
type WireCall = Parameters<Hedge>[1];

/** When a call is hedged. */
interface HedgedCallOptions {
  readonly observed: HedgeDelay;
  /** Undefined: it isn't. */
  readonly delayMs: number | undefined;
  readonly clock: Clock;
}

/**
 * A hedged call: it starts an attempt at another instance after each delay without an answer. The first answer
 * wins, also if it is an error that isn't retried, and the other attempts are cancelled.
 */
class HedgedCall {
  readonly #call: HedgedAttempts;
  readonly #wire: WireCall;
  readonly #options: HedgedCallOptions;
  readonly #startedAt: number;
  /** One for each instance that is asked, in the order in which they were. */
  readonly #contexts: CallContext[] = [];
  #timer: Timer | undefined;
  #running = 0;
  #settled = false;

  constructor(call: HedgedAttempts, wire: WireCall, options: HedgedCallOptions) {
    this.#call = call;
    this.#wire = wire;
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  run(): Promise<Reply<Uint8Array>> {
    return new Promise((resolve, reject) => this.#ask({ resolve, reject }));
  }

  /** Asks an instance, and another one after the delay. */
  #ask(outcome: Outcome): void {
    const { clock, delayMs, observed } = this.#options;
    const context = new CallContext({ clock, parents: [this.#wire.context] });
    const { span } = this.#wire.context;
    if (span !== undefined) context.span = span;
    this.#contexts.push(context);
    this.#running += 1;
    this.#call.run({ ...this.#wire, context }).then(
      (reply) => {
        if (!this.#settled) observed.note(clock.now() - this.#startedAt);
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
    if (delayMs === undefined) return;
    this.#timer = clock.setTimer(delayMs, () => {
      if (this.#wire.context.reason === undefined && this.#call.mayHedge()) this.#ask(outcome);
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
      else other.end(index < answered ? balancingErrors.OVERTAKEN_BY_HEDGE() : balancingErrors.OVERTAKEN());
    }
  }
}

/** How the call's promise is settled. Only the first outcome counts. */
interface Outcome {
  readonly resolve: (reply: Reply<Uint8Array>) => void;
  readonly reject: (error: unknown) => void;
}

/** How many of the latest calls count. */
const WINDOW = 512;
/** The number of calls from which a method's durations count as known. */
const MIN_CALLS = 64;
/** The number of calls after which the quantile is computed again. */
const REFRESH_CALLS = 32;
const QUANTILE = 0.95;
/** A shorter wait would cost more than it gains. Milliseconds. */
const MIN_DELAY_MS = 1;

/** How long 95 % of a method's latest calls took. */
export class HedgeDelay {
  readonly #durations = new Float64Array(WINDOW);
  #calls = 0;
  #ms: number | undefined;

  /** Milliseconds; undefined until enough calls have been made. */
  get ms(): number | undefined {
    return this.#ms;
  }

  /** Notes a call's duration. If a hedge answered first, it is the time for which the call had waited for its first attempt. */
  note(elapsedMs: number): void {
    this.#durations[this.#calls % WINDOW] = elapsedMs;
    this.#calls += 1;
    if (this.#calls < MIN_CALLS || this.#calls % REFRESH_CALLS !== 0) return;
    const sorted = this.#durations.slice(0, Math.min(this.#calls, WINDOW)).sort();
    // Node's timers cut off parts of a millisecond, and most calls may end within one.
    this.#ms = Math.ceil(Math.max(MIN_DELAY_MS, sorted[Math.floor(sorted.length * QUANTILE)] ?? MIN_DELAY_MS));
  }
}
