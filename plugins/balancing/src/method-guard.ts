import { dateOf } from '@rondo/base';
import type { CallContext } from '@rondo/rpc/call';
import { type Method, observeReply, type Reply } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { type AdmittedCall, Breaker, type BreakerFigures } from './breaker.js';
import { Bulkhead } from './bulkhead.js';
import type {
  BreakerPolicy,
  BreakerView,
  BulkheadPolicy,
  Guard,
  GuardsOptions,
  GuardView,
  Hedge,
} from './channel-types.js';
import { hedgeBy } from './hedge.js';
import { breakerOpen, bulkheadFull } from './refusal.js';
import { blameFromMs, verdictOf } from './verdict.js';

/** How the calls of a method are guarded. */
export interface GuardPolicy {
  readonly breaker: BreakerPolicy | undefined;
  readonly bulkhead: BulkheadPolicy | undefined;
}

/** How much of an error's text a reason quotes. Characters. */
const MAX_QUOTED = 160;

/** The breaker, the bulkhead and the hedges of one method. */
export class MethodGuard implements Guard {
  readonly hedge: Hedge | undefined;
  readonly #method: Method;
  readonly #options: GuardsOptions;
  #breaker: Breaker | undefined;
  #bulkhead: Bulkhead | undefined;
  #blamedFromMs = 0;

  constructor(method: Method, policy: GuardPolicy, options: GuardsOptions) {
    this.#method = method;
    this.#options = options;
    this.hedge = method.policy.hedge && hedgeBy(method.policy.hedge, options.clock);
    this.policy = policy;
  }

  get method(): Method {
    return this.#method;
  }

  /** Its current state; undefined if it has neither a breaker nor a bulkhead. */
  view(): GuardView | undefined {
    const bulkhead = this.#bulkhead;
    if (this.#breaker === undefined && bulkhead === undefined) return undefined;
    return {
      path: this.#method.path,
      breaker: this.#breaker && this.#viewBreaker(this.#breaker),
      bulkhead: bulkhead && {
        inFlight: bulkhead.inFlight,
        queued: bulkhead.queued,
        refused: bulkhead.refused,
        policy: bulkhead.policy,
      },
    };
  }

  /** Replaces the policy. A breaker or a bulkhead that stays keeps its state. */
  set policy({ breaker, bulkhead }: GuardPolicy) {
    const { clock, inPanic } = this.#options;
    const { path } = this.#method;
    if (breaker === undefined) this.#breaker = undefined;
    else if (this.#breaker !== undefined) this.#breaker.policy = breaker;
    else {
      this.#breaker = new Breaker({
        policy: breaker,
        now: clock.now(),
        inPanic: () => inPanic(path),
        onChange: (figures) => this.#logChange(figures),
      });
    }
    this.#blamedFromMs = blameFromMs(this.#method, breaker?.slowCallMs);
    if (this.#bulkhead !== undefined) {
      this.#bulkhead.policy = bulkhead ?? UNBOUNDED;
      this.#bulkhead.admitQueued();
      if (bulkhead === undefined) this.#bulkhead = undefined;
    } else if (bulkhead !== undefined) this.#bulkhead = new Bulkhead(bulkhead, clock);
  }

  /** Makes a call, unless it is refused: the breaker is open, or the bulkhead is full. */
  async call(context: CallContext, make: () => Promise<Reply<Uint8Array>>): Promise<Reply<Uint8Array>> {
    const breaker = this.#breaker;
    const bulkhead = this.#bulkhead;
    if (bulkhead === undefined) return this.#callThrough(breaker, context, make);
    // A call that the breaker would refuse doesn't wait in the queue before.
    if (breaker?.refuses(this.#options.clock.now())) return this.#callThrough(breaker, context, make);
    if (!bulkhead.tryEnter()) {
      const refusal = await bulkhead.enter(context);
      if (refusal !== undefined) throw bulkheadFull(this.#method, bulkhead, refusal);
    }
    let reply: Reply<Uint8Array>;
    try {
      reply = await this.#callThrough(breaker, context, make);
    } catch (error) {
      bulkhead.leave();
      throw error;
    }
    return observeReply(reply, { end: () => bulkhead.leave() });
  }

  async #callThrough(
    breaker: Breaker | undefined,
    context: CallContext,
    make: () => Promise<Reply<Uint8Array>>,
  ): Promise<Reply<Uint8Array>> {
    if (breaker === undefined) return make();
    const admitted = breaker.begin(this.#options.clock.now());
    if (admitted === undefined) throw breakerOpen(this.#method, breaker, this.#options);
    try {
      const reply = await make();
      this.#end(breaker, admitted, { error: undefined, context });
      return reply;
    } catch (error) {
      this.#end(breaker, admitted, { error, context });
      throw error;
    }
  }

  #end(breaker: Breaker, call: AdmittedCall, { error, context }: Ended): void {
    const now = this.#options.clock.now();
    const { reason } = context;
    const verdict = verdictOf({ error, elapsedMs: now - call.startedAt, reason }, this.#blamedFromMs);
    breaker.end(call, verdict, { now, lastError: error === undefined ? '' : textOf(error) });
  }

  #viewBreaker({ state, openedAt, reason, probeAt, openings, refused, calls, bad, policy }: Breaker): BreakerView {
    const counts = { state, openings, refused, calls, bad, policy };
    if (state === 'closed') return { ...counts, openedAt: undefined, reason: '', probeInMs: undefined };
    const probeInMs = Math.max(0, probeAt - this.#options.clock.now());
    return { ...counts, openedAt: dateOf(openedAt, this.#options), reason, probeInMs };
  }

  #logChange({ state, reason, openedAt, succeeded }: BreakerFigures): void {
    const { log, clock } = this.#options;
    const { service, name } = this.#method;
    const fields = { target: service, method: name, breaker: state };
    const openForMs = Math.round(clock.now() - openedAt);
    if (state === 'closed') {
      log.info(
        { ...fields, openForMs },
        `the breaker of ${service}/${name} has closed: ${succeeded} probes in a row succeeded`,
      );
    } else if (state === 'half_open') {
      log.info({ ...fields, openForMs }, `the breaker of ${service}/${name} is half open: a probe has succeeded`);
    } else if (openForMs === 0) {
      log.warn({ ...fields, reason }, `the breaker of ${service}/${name} has opened: ${reason}`);
    } else {
      log.warn({ ...fields, openForMs }, `the breaker of ${service}/${name} is open again: a probe has failed`);
    }
  }
}

/** Lets every call in, for those that wait when a bulkhead is removed. */
const UNBOUNDED: BulkheadPolicy = {
  maxCalls: Number.POSITIVE_INFINITY,
  maxQueued: Number.POSITIVE_INFINITY,
  queueTimeoutMs: 1,
};

interface Ended {
  readonly error: unknown;
  readonly context: CallContext;
}

/** An error as a reason quotes it. */
function textOf(error: unknown): string {
  if (!(error instanceof RpcError)) return 'no status';
  const { codeName, message } = error;
  return `${codeName}: ${message.length > MAX_QUOTED ? `${message.slice(0, MAX_QUOTED)}…` : message}`;
}
