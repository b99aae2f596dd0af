import type { Timer } from '@rondo/base';
import { type Attempt, classifyFailure, type Method } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import type { Fleet } from '../channel-types.js';
import { balancingErrors } from '../errors.js';
import type { FanOut } from './fan-out.js';
import type { PartResult } from './options.js';

/** What a work queue is made from. */
interface WorkQueueOptions<Req, Res> {
  readonly fanOut: FanOut<Req, Res>;
  /** The requests of the parts. One is read when an instance can take it. */
  readonly requests: Iterator<Req>;
  readonly perInstance: number;
  readonly maxAttempts: number;
  /** How many parts, after the one that is read next, may be in work or wait to be read. */
  readonly readAhead: number;
  /** Whether the first part that fails ends the work. */
  readonly requiresAll: boolean;
}

/** How long a part waits before its second attempt at the same instance. Milliseconds. */
const SAME_INSTANCE_DELAY_MS = 20;

/**
 * Distributes parts over instances, and gives their results in order. Each instance works on a few parts at once and gets the next
 * one when it has finished one. So a slow instance gets fewer parts, a new instance gets some too, and other instances take over the
 * parts of an instance that goes away.
 */
export class WorkQueue<Req, Res> {
  readonly #options: WorkQueueOptions<Req, Res>;
  /** How many parts each instance works on. */
  readonly #inFlight = new Map<string, number>();
  readonly #stopListening: () => void;
  readonly #timers = new Set<Timer>();
  /** The results that weren't read yet. */
  readonly #results = new Map<number, PartResult<Res>>();
  /** Parts that wait for another attempt. */
  #retries: PendingPart<Res>[] = [];
  /** The next new part, if its request has been taken but no instance could take it yet. */
  #next: PendingPart<Res> | undefined;
  /** How many requests were taken, and how many results were read. */
  #taken = 0;
  #read = 0;
  #running = 0;
  #exhausted = false;
  #fault: { readonly error: unknown } | undefined;
  #dispatching = false;
  #wake: () => void = () => undefined;
  /** Rotates which of several equally busy instances gets the next part. */
  #rotation: number;

  constructor(options: WorkQueueOptions<Req, Res>) {
    this.#options = options;
    const { fleet, inContext, random, context } = options.fanOut;
    this.#rotation = Math.floor(random.next() * 2 ** 16);
    this.#stopListening = fleet.onChange(() => inContext(() => this.#dispatch()));
    context.onEnd(this.#onLimit);
  }

  /** The next part; undefined after the last. @throws what ends the work: a part that failed, the requests, or the context's reason. */
  async next(): Promise<PartResult<Res> | undefined> {
    const { inContext } = this.#options.fanOut;
    inContext(() => this.#dispatch());
    for (;;) {
      if (this.#fault !== undefined) throw this.#fault.error;
      const result = this.#results.get(this.#read);
      if (result !== undefined) {
        this.#results.delete(this.#read);
        this.#read += 1;
        inContext(() => this.#dispatch());
        return result;
      }
      if (this.#exhausted && this.#unfinished === 0) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Starts no more parts. */
  stop(): void {
    this.#fail(balancingErrors.NOT_NEEDED());
    this.#options.fanOut.context.offEnd(this.#onLimit);
  }

  readonly #onLimit = () => this.#fail(this.#options.fanOut.context.reason);

  #fail(error: unknown): void {
    if (this.#fault !== undefined) return;
    this.#fault = { error };
    this.#stopListening();
    for (const timer of this.#timers) timer.cancel();
    this.#options.requests.return?.();
    this.#wake();
  }

  /** Starts all parts that can start now. */
  #dispatch(): void {
    // A callback may call this again. The outer loop then sees the change, because it reads the state anew for each part.
    if (this.#dispatching || this.#fault !== undefined) return;
    this.#dispatching = true;
    try {
      let more = true;
      while (more && this.#fault === undefined) more = this.#dispatchOne();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#dispatching = false;
    }
    if (this.#exhausted && this.#unfinished === 0) this.#wake();
  }

  get #unfinished(): number {
    return this.#running + this.#retries.length + this.#timers.size + (this.#next === undefined ? 0 : 1);
  }

  /** Starts or gives up one part. Returns whether there may be another one to start. */
  #dispatchOne(): boolean {
    const standing = this.#options.fanOut.fleet.standing();
    const retry = this.#retries.findIndex((part) => this.#assign(part, standing));
    if (retry >= 0) {
      this.#retries.splice(retry, 1);
      return true;
    }
    this.#next ??= this.#readNext();
    if (this.#next === undefined || !this.#assign(this.#next, standing)) return false;
    this.#next = undefined;
    return true;
  }

  #readNext(): PendingPart<Res> | undefined {
    const { requests, readAhead } = this.#options;
    if (this.#exhausted || this.#taken > this.#read + readAhead) return undefined;
    const step = requests.next();
    if (step.done === true) {
      this.#exhausted = true;
      return undefined;
    }
    this.#taken += 1;
    return newPart(this.#taken - 1, this.#options.fanOut.part(step.value));
  }

  /** Starts `part` at the least busy instance, or gives it up if no instance is left for it. Returns false if it has to wait. */
  #assign(part: PendingPart<Res>, { ready, idle, coming }: ReturnType<Fleet['standing']>): boolean {
    const isUntried = (instance: string) => !part.tried.has(instance);
    const instance = this.#leastBusy(ready.filter(isUntried)) ?? this.#leastBusy(idle.filter(isUntried));
    if (instance !== undefined) {
      this.#start(part, instance);
      return true;
    }
    if ([ready, idle, coming].some((instances) => instances.some(isUntried))) return false;
    if (part.connectionLost !== undefined) this.#retryAtSame(part, part.connectionLost);
    else this.#giveUp(part);
    return true;
  }

  /** The least busy of `instances` that may take another part; undefined if all have `perInstance` parts. */
  #leastBusy(instances: readonly string[]): string | undefined {
    let least = this.#options.perInstance;
    let leastBusy: string | undefined;
    for (let offset = 0; offset < instances.length; offset += 1) {
      const instance = instances[(this.#rotation + offset) % instances.length];
      const inFlight = instance === undefined ? least : (this.#inFlight.get(instance) ?? 0);
      if (inFlight >= least) continue;
      least = inFlight;
      leastBusy = instance;
    }
    return leastBusy;
  }

  #start(part: PendingPart<Res>, instance: string): void {
    part.lastInstance = instance;
    this.#rotation += 1;
    this.#running += 1;
    this.#inFlight.set(instance, (this.#inFlight.get(instance) ?? 0) + 1);
    part.ask(instance).then(
      (value) => this.#onEnd(instance, () => this.#report(part.index, { ok: true, value, instance })),
      (error: unknown) => this.#onEnd(instance, () => this.#onFailure(part, instance, toRpcError(error))),
    );
  }

  #onEnd(instance: string, note: () => void): void {
    this.#running -= 1;
    const inFlight = (this.#inFlight.get(instance) ?? 0) - 1;
    if (inFlight > 0) this.#inFlight.set(instance, inFlight);
    else this.#inFlight.delete(instance);
    if (this.#fault !== undefined) return;
    note();
    this.#dispatch();
  }

  #onFailure(part: PendingPart<Res>, instance: string, error: RpcError): void {
    const { fanOut, maxAttempts } = this.#options;
    const { retryable, costs, connectionLost } = retryDecision(fanOut.method, error);
    part.failure = error;
    part.attempts.push(...(error.report?.attempts ?? []));
    part.connectionLost = connectionLost && !part.retriedAtSame ? instance : undefined;
    part.tried.add(instance);
    if (costs) part.tries += 1;
    const mayRetry = retryable && part.tries < maxAttempts && (!costs || fanOut.fleet.mayRetry());
    if (mayRetry) this.#retries.push(part);
    else this.#giveUp(part);
  }

  /** Allows one more attempt at `instance`, which lost its connection, after a short delay. */
  #retryAtSame(part: PendingPart<Res>, instance: string): void {
    const timer = this.#options.fanOut.clock.setTimer(SAME_INSTANCE_DELAY_MS, () => {
      this.#timers.delete(timer);
      part.connectionLost = undefined;
      part.retriedAtSame = true;
      part.tried.delete(instance);
      this.#retries.push(part);
      this.#options.fanOut.inContext(() => this.#dispatch());
    });
    this.#timers.add(timer);
  }

  #giveUp(part: PendingPart<Res>): void {
    const { method, fleet } = this.#options.fanOut;
    const error = partError(method, part.attempts, part.failure ?? fleet.noInstanceError());
    this.#report(part.index, { ok: false, error, instance: part.lastInstance });
  }

  #report(index: number, part: PartResult<Res>): void {
    if (!part.ok && this.#options.requiresAll) this.#fail(part.error);
    this.#results.set(index, part);
    if (index === this.#read) this.#wake();
  }
}

/** A part without a result yet, and its attempts so far. */
interface PendingPart<Res> {
  readonly index: number;
  /** Calls an instance for it. */
  readonly ask: (instance: string) => Promise<Res>;
  /** The instances that don't get the part again. */
  readonly tried: Set<string>;
  lastInstance: string | undefined;
  /** The instance that lost its connection before it could take the part. It may get it once more if no other is left. */
  connectionLost: string | undefined;
  /** Whether an instance has got the part a second time. */
  retriedAtSame: boolean;
  /** How many attempts count against `maxAttempts`. */
  tries: number;
  failure: RpcError | undefined;
  readonly attempts: Attempt[];
}

function newPart<Res>(index: number, ask: PendingPart<Res>['ask']): PendingPart<Res> {
  const untried = {
    lastInstance: undefined,
    connectionLost: undefined,
    retriedAtSame: false,
    tries: 0,
    failure: undefined,
  };
  return { index, ask, tried: new Set(), attempts: [], ...untried };
}

/** Whether a part may be retried after a failed attempt. */
interface RetryDecision {
  readonly retryable: boolean;
  readonly costs: boolean;
  readonly connectionLost: boolean;
}

/**
 * Decides whether a part may be retried after its call of `method` at one instance failed with `error`. A failure that is
 * not the instance's own would be the same at another instance.
 */
function retryDecision(method: Method, error: RpcError): RetryDecision {
  const failure = classifyFailure(method, received(error), false);
  if (failure?.retryable) return failure;
  if ((error.retryPushbackMs ?? 0) < 0) return { retryable: false, costs: true, connectionLost: false };
  const safe = method.policy.idempotency !== 'unknown';
  return { retryable: safe && INSTANCE_FAULTS.has(error.code), costs: true, connectionLost: false };
}

const INSTANCE_FAULTS: ReadonlySet<Status> = new Set([Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED]);

/** The error as the transport reported it. A client throws a copy with a report and the original as its cause. */
function received(error: RpcError): unknown {
  return error.report !== undefined && error.cause instanceof RpcError ? error.cause : error;
}

/** The error of a part that failed. Its report lists all attempts. */
export function partError({ path }: Method, attempts: readonly Attempt[], cause: RpcError): RpcError {
  const { code, message, details, metadata, report } = cause;
  const elapsedMs = attempts.reduce((sum, attempt) => sum + attempt.elapsedMs, 0);
  const instances = new Set(attempts.map(({ instance }) => instance));
  const tried = instances.size > 1 ? ` (tried at ${[...instances].join(', ')})` : '';
  return new RpcError(code, message + tried, {
    details,
    metadata,
    cause,
    report: { method: report?.method ?? path, attempts: [...attempts], elapsedMs },
  });
}

/** `error` itself if it is an `RpcError`; otherwise an `INTERNAL` error with its message. */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return balancingErrors.PART_FAILED({ message }, { cause: error });
}
