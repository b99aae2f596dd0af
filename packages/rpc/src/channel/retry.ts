import { backoffMs, type Clock, type Random, sleep } from '@rondo/base';
import type { PickCall } from '../balancer/picker.js';
import type { Payload, Reply } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import type { Method } from '../contract/method.js';
import { DEFAULT_RETRY } from '../contract/retry-policy.js';
import type { Endpoint } from '../resolver/resolver.js';
import type { Attempt, RpcError } from '../status/rpc-error.js';
import type { WireCall } from '../transport/transport.js';
import { CallAttempt } from './attempt.js';
import type { EndpointPool } from './endpoint-pool.js';
import type { Failure, RetryBudget } from './failure.js';
import { finalError } from './no-instance.js';
import { requestedVersion } from './picker.js';
import type { Hedge, HedgedAttempts } from './policies.js';
import type { MethodCandidate } from './subchannel.js';
import { untilKnown, untilPicked, untilReachable, type Waiting } from './wait-for-pick.js';

/** Makes the request of each attempt, for calls whose encoding depends on the instance that was picked. */
export interface RequestSource {
  /** The request for the instance that was just picked. Undefined: the instance can't take the call, so another is tried. */
  requestFor(to: Endpoint): Payload<Uint8Array> | undefined;
}

/** What a call is made with. */
export interface AttemptOptions {
  readonly pool: EndpointPool;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly random: Random;
  /** Filled with each attempt when it begins, and updated when it ends. */
  readonly attempts: Attempt[];
  /** The call's key for ring_hash. */
  readonly hashKey?: string | undefined;
  /** The instance to avoid if another one can take the call: it has just failed. */
  readonly lost?: string | undefined;
  /** The instances that don't get the call, also if no other can take it. */
  readonly avoid?: readonly string[] | undefined;
  /** Makes the request of each attempt instead of the wire call's. */
  readonly requests?: RequestSource | undefined;
  /** The most attempts, instead of what the contract says. */
  readonly maxAttempts?: number | undefined;
  /** Whether to wait while no instance can be reached, instead of what the contract says. */
  readonly waitForReady?: boolean | undefined;
  /** Makes the attempts if they may overlap. */
  readonly hedge?: Hedge | undefined;
}

/** How long a call waits before its second attempt at the same instance. Milliseconds. */
const SAME_INSTANCE_DELAY_MS = 20;
/** A server that asks for a longer wait gets no retry. Milliseconds. */
const MAX_PUSHBACK_MS = 60_000;

/** Makes a call: retried as its method's policy says, and hedged by `options.hedge`. It isn't async, as each promise costs a call. */
export function callWithRetries(method: Method, wire: WireCall, options: AttemptOptions): Promise<Reply<Uint8Array>> {
  options.budget.deposit();
  if (options.pool.lookup.known === undefined) return begin(method, wire, options);
  return untilKnown(wire, options).then(() => begin(method, wire, options));
}

function begin(method: Method, wire: WireCall, options: AttemptOptions): Promise<Reply<Uint8Array>> {
  const { hedge, requests } = options;
  wire.timer?.onResolved();
  const call = new RetriedCall(method, wire, options);
  // A request that is made for the picked instance can't be made for two at a time.
  return hedge === undefined || requests !== undefined || call.maxAttempts === 1 ? call.run(wire) : hedge(call, wire);
}

/** The attempts of a call, one after the other: a hedged call has several runs. */
interface Run {
  readonly wire: WireCall;
  /** How the last attempt failed. */
  failure: Failure | undefined;
  /** The instance that may get a second attempt. */
  repeatable: MethodCandidate | undefined;
  /** The request that was made for an instance, and that of the next attempt. */
  given: WireCall['request'];
  request: WireCall['request'];
}

/**
 * A call that is retried at another instance if that is safe: the call provably did not reach a handler, or its method may
 * be repeated. Each instance gets one attempt. If no other is left, the instance whose connection was lost before it could
 * take the call gets a second one, over its next connection.
 */
class RetriedCall implements HedgedAttempts {
  readonly method: Method;
  readonly #options: AttemptOptions;
  /** The most attempts. */
  readonly maxAttempts: number;
  readonly #pick: PickCall<MethodCandidate> & { readonly tried: MethodCandidate[] };
  readonly #unfit: MethodCandidate[] = [];
  readonly #waitForReady: boolean;
  /** The call itself if an attempt may be abandoned for another one. */
  readonly #movable: RetriedCall | undefined;
  /** The instance that has just failed. It gets the call if no other can take it. */
  readonly #lost: MethodCandidate | undefined;
  readonly #avoided: readonly MethodCandidate[];
  /** How many attempts the caller made before this call. */
  readonly #earlier: number;
  /** How many attempts have left this process. */
  #sent = 0;
  /** How many of the `maxAttempts` are used up. */
  #counted = 0;
  /** How many waits the backoff has set. */
  #backoffs = 0;
  /** How many retries were taken from the budget when an instance fell silent, and not made yet. */
  #paid = 0;

  constructor(method: Method, wire: WireCall, options: AttemptOptions) {
    const { hashKey, avoid = [], lost, pool, attempts, maxAttempts, waitForReady } = options;
    this.method = method;
    this.#options = options;
    this.maxAttempts = maxAttempts ?? (method.policy.retry ?? DEFAULT_RETRY).maxAttempts;
    this.#waitForReady = waitForReady ?? method.policy.waitForReady === true;
    const isRepeatable = method.policy.idempotency !== 'unknown' && !wire.responseStream && !wire.request.stream;
    this.#movable = isRepeatable ? this : undefined;
    this.#earlier = attempts.length;
    // A key that has an owner stays there, although the call was broken off.
    const left = lost === undefined || pool.owner(hashKey) !== undefined ? undefined : pool.instances.find(lost);
    this.#lost = left?.candidate(method.path);
    this.#avoided = avoid.flatMap((id) => pool.instances.find(id)?.candidate(method.path) ?? []);
    const tried = this.#lost === undefined ? [...this.#avoided] : [...this.#avoided, this.#lost];
    this.#pick = { hashKey, tried, avoided: this.#avoided.length, version: requestedVersion(wire) };
  }

  mayHedge(): boolean {
    const { pool, budget } = this.#options;
    return !this.#exhausted && pool.instances.all.length > this.#pick.tried.length && budget.withdraw();
  }

  /** Whether another instance can take the call of `context` now. If so, it takes the retry from the budget. */
  move(context: CallContext): boolean {
    const { pool, budget } = this.#options;
    if (this.#exhausted || context.reason !== undefined) return false;
    if (!pool.instances.canPick(this.method, this.#pick) || !budget.withdraw()) return false;
    this.#paid += 1;
    return true;
  }

  /** Whether another attempt would be one too many. */
  get #exhausted(): boolean {
    return this.#counted >= this.maxAttempts;
  }

  /** Makes attempts until one succeeds, or fails so that no other may follow. */
  async run(wire: WireCall): Promise<Reply<Uint8Array>> {
    const { pool, clock, attempts } = this.#options;
    const { method } = this;
    const request = sentOnce(wire.request);
    const run: Run = { wire, failure: undefined, repeatable: this.#lost, given: wire.request, request };
    for (;;) {
      let candidate = this.#pickNow(run) ?? (await this.#pickLater(run));
      if (run.failure !== undefined && (await this.#beforeRetry(run, run.failure, candidate))) {
        // After a wait the instance may not want calls any more.
        candidate = this.#pickNow(run) ?? (await this.#pickLater(run));
      }
      run.repeatable = this.#pick.tried.includes(candidate) ? undefined : candidate;
      this.#pick.tried.push(candidate);
      const sent = run.request === wire.request ? wire : { ...wire, request: run.request };
      const attempt = new CallAttempt(candidate, sent, { method, pool, clock, movable: this.#movable });
      attempts.push(attempt);
      this.#counted += 1;
      this.#sent += 1;
      try {
        return attempt.succeed(await attempt.send(this.#sent === 1 ? undefined : this.#sent - 1));
      } catch (error) {
        run.failure = this.#retryable(run, attempt, error);
        if (!run.failure.connectionLost) run.repeatable = undefined;
      }
    }
  }

  /** What an attempt's failure means, if another attempt may follow. @throws the failure's error if not. */
  #retryable({ wire, request }: Run, attempt: CallAttempt, error: unknown): Failure {
    const failure = attempt.fail(error);
    if (failure?.counts === false) this.#counted -= 1;
    if (failure?.costs === false) this.#sent -= 1;
    const isOver = this.#exhausted || wire.context.reason !== undefined;
    const isStarted = request instanceof StreamSentOnce && request.started;
    if (!failure?.retryable || isOver || isStarted) throw error;
    return failure;
  }

  /** An instance that can take the call now. */
  #pickNow(run: Run): MethodCandidate | undefined {
    const { pool } = this.#options;
    run.wire.context.throwIfEnded();
    if (this.#waitForReady && pool.noInstanceError() !== undefined) return undefined;
    const candidate = pool.pick(this.method, this.#pick);
    if (candidate === undefined || this.#options.requests === undefined) return candidate;
    return this.#fits(candidate, run) ? candidate : this.#pickNow(run);
  }

  /** Makes the request for an instance. False if the instance can't take the call, so that it gets no attempt. */
  #fits(candidate: MethodCandidate, run: Run): boolean {
    const { requests } = this.#options;
    if (requests === undefined) return true;
    const payload = requests.requestFor(candidate.endpoint);
    if (payload === undefined) {
      this.#unfit.push(candidate);
      if (this.#pick.tried.includes(candidate)) run.repeatable = undefined;
      else this.#pick.tried.push(candidate);
      return false;
    }
    if (payload !== run.given) run.request = sentOnce(payload);
    run.given = payload;
    return true;
  }

  /** Waits for an instance that can take the call. @throws RpcError if there is none to wait for. */
  async #pickLater(run: Run): Promise<MethodCandidate> {
    const candidate = await this.#untilPicked(run);
    if (candidate === undefined) throw this.#finalError(run.failure);
    if (this.#fits(candidate, run)) return candidate;
    return this.#pickNow(run) ?? this.#pickLater(run);
  }

  /**
   * Waits for an instance that was not tried, or else for the instance that may get a second attempt. If only
   * connections have failed, a call that waits for ready waits for any instance.
   */
  async #untilPicked({ wire, failure, repeatable }: Run): Promise<MethodCandidate | undefined> {
    const pick = this.#pick;
    const options = { ...this.#options, pick };
    if (!this.#waitForReady) {
      const candidate = await untilPicked(this.method, wire, options);
      if (candidate !== undefined || repeatable === undefined) return candidate;
      const tried = pick.tried.filter((other) => other !== repeatable);
      return untilPicked(this.method, wire, { ...options, pick: { ...pick, tried } });
    }
    if (failure !== undefined && !failure.connectionLost) return untilPicked(this.method, wire, options);
    if (failure !== undefined) await sleep(this.#options.clock, SAME_INSTANCE_DELAY_MS, wire.context.signal);
    // Of a hedged call, other attempts may run: their instances aren't asked again.
    const { attempts } = this.#options;
    const isAsked = ({ id }: MethodCandidate) => attempts.some((one) => one.code === 'PENDING' && one.instance === id);
    const asked = pick.tried.slice(this.#avoided.length).filter(isAsked);
    pick.tried.splice(0, pick.tried.length, ...this.#avoided, ...asked);
    return untilReachable(this.method, wire, options);
  }

  /**
   * Takes the retry from the budget, and waits before it. Returns whether it has waited.
   *
   * @throws RpcError the error of the failed attempt, if the retry can't be made.
   */
  async #beforeRetry({ wire }: Run, { error, costs, answered }: Failure, to: MethodCandidate): Promise<boolean> {
    const { clock } = this.#options;
    const { context, deadline } = wire;
    const waitMs = this.#pick.tried.includes(to) ? SAME_INSTANCE_DELAY_MS : answered ? this.#waitMs(error) : 0;
    const late = deadline !== undefined && clock.now() + waitMs >= deadline;
    if ((waitMs > 0 && late) || waitMs > MAX_PUSHBACK_MS || (costs && !this.#pay())) throw error;
    if (waitMs > 0) await sleep(clock, waitMs, context.signal);
    return waitMs > 0;
  }

  #pay(): boolean {
    if (this.#paid === 0) return this.#options.budget.withdraw();
    this.#paid -= 1;
    return true;
  }

  /** How long to wait after an answer: as the server asks, or by the backoff. */
  #waitMs({ retryPushbackMs }: RpcError): number {
    if (retryPushbackMs !== undefined) {
      this.#backoffs = 0;
      return retryPushbackMs;
    }
    const { initialMs: baseMs, maxMs } = (this.method.policy.retry ?? DEFAULT_RETRY).backoff;
    this.#backoffs += 1;
    return backoffMs(this.#backoffs - 1, { baseMs, maxMs, random: this.#options.random });
  }

  #finalError(failure: Failure | undefined): RpcError {
    const { pool, attempts } = this.#options;
    const made = attempts.slice(this.#earlier);
    return finalError(this.method, failure, { pool, attempts: made, version: this.#pick.version, unfit: this.#unfit });
  }
}

/** What decides where a call goes. */
interface PickOptions extends Omit<AttemptOptions, 'budget' | 'random'> {
  readonly version?: string | undefined;
}

/** Picks the instance of a call's first attempt without making it. */
export async function pickFirst(method: Method, waiting: Waiting, options: PickOptions): Promise<MethodCandidate> {
  const { hashKey, version } = options;
  await untilKnown(waiting, options);
  waiting.context.throwIfEnded();
  const candidate = await untilPicked(method, waiting, { ...options, pick: { hashKey, tried: [], version } });
  if (candidate === undefined) throw finalError(method, undefined, options);
  return candidate;
}

function sentOnce(request: WireCall['request']): WireCall['request'] {
  return request.stream ? new StreamSentOnce(request.messages) : request;
}

/** A request stream that knows whether it has been started: then it can't be sent again, so the call can't be retried. */
class StreamSentOnce implements AsyncIterable<Uint8Array> {
  readonly stream = true;
  readonly messages = this;
  started = false;
  readonly #given: AsyncIterable<Uint8Array>;

  constructor(given: AsyncIterable<Uint8Array>) {
    this.#given = given;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.started = true;
    return this.#given[Symbol.asyncIterator]();
  }
}
