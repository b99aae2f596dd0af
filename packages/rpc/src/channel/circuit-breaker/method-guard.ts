import type { Clocks } from '@rondo/base';
import type { Logger, Reply } from '../../call/call.js';
import type { CallContext } from '../../call/call-context.js';
import type { BreakerPolicy } from '../../contract/breaker-policy.js';
import type { BulkheadPolicy } from '../../contract/bulkhead-policy.js';
import type { Method } from '../../contract/method.js';
import { observeReply } from '../../middleware/stream.js';
import { RpcError } from '../../status/rpc-error.js';
import { type AdmittedCall, Breaker, type BreakerFigures } from './breaker.js';
import { Bulkhead } from './bulkhead.js';
import { breakerOpen, bulkheadFull } from './refusal.js';
import { blameFromMs, verdictOf } from './verdict.js';

/** How the calls of a method are guarded. */
export interface GuardPolicy {
  readonly breaker: BreakerPolicy | undefined;
  readonly bulkhead: BulkheadPolicy | undefined;
}

/** What a guard is made from. */
export interface GuardOptions extends Clocks {
  /** Whether most instances fail for the method at `path`, as outlier detection has found. */
  readonly inPanic: (path: string) => boolean;
  readonly log: Logger;
}

/** How much of an error's text a reason quotes. Characters. */
const MAX_QUOTED = 160;

/** The breaker and the bulkhead of one method. */
export class MethodGuard {
  readonly #method: Method;
  readonly #options: GuardOptions;
  #breaker: Breaker | undefined;
  #bulkhead: Bulkhead | undefined;
  #blamedFromMs = 0;

  constructor(method: Method, policy: GuardPolicy, options: GuardOptions) {
    this.#method = method;
    this.#options = options;
    this.policy = policy;
  }

  get method(): Method {
    return this.#method;
  }

  get breaker(): (BreakerFigures & { readonly policy: BreakerPolicy }) | undefined {
    return this.#breaker;
  }

  get bulkhead(): Pick<Bulkhead, 'inFlight' | 'queued' | 'refused' | 'policy'> | undefined {
    return this.#bulkhead;
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
