import type { FleetStanding } from '../channel/fleet.js';
import { classifyFailure, type Failure } from '../channel/retry.js';
import type { Timer } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import { type Attempt, RpcError, Status } from '../status/index.js';
import type { Part } from './options.js';
import type { Whole } from './whole.js';

/** What a queue is made from. */
interface WorkQueueOptions<Req, Res> {
  readonly whole: Whole<Req, Res>;
  /** Read as there is somebody to do the next. */
  readonly requests: Iterator<Req>;
  readonly perInstance: number;
  readonly maxTries: number;
  /** Up to which part work may go now. */
  readonly horizon: () => number;
  /** Hears what came of each part, in no order. */
  readonly onPart: (index: number, part: Part<Res>) => void;
  /** Hears that all parts have been told. */
  readonly onEnd: () => void;
  /** Hears that the requests can't be read on. */
  readonly onFault: (error: unknown) => void;
}

/** How long a part waits before it is tried again at the very instance that has just turned it away. Milliseconds. */
const SAME_AGAIN_MS = 20;

/**
 * Parts that wait for instances. Each instance works on a few at once and gets the next when it has done one: a slow one
 * gets fewer, one that comes joins in, and what one that goes leaves undone, others do.
 */
export class WorkQueue<Req, Res> {
  readonly #options: WorkQueueOptions<Req, Res>;
  /** How many parts each instance works on. */
  readonly #busy = new Map<string, number>();
  readonly #stopFollowing: () => void;
  readonly #timers = new Set<Timer>();
  #lost: Piece<Req>[] = [];
  /** The next part, where there was nobody for it yet. */
  #fresh: Piece<Req> | undefined;
  #taken = 0;
  #running = 0;
  #exhausted = false;
  #stopped = false;
  #pumping = false;
  /** Of those that do equally little, another is the first each time. */
  #turn: number;

  constructor(options: WorkQueueOptions<Req, Res>) {
    this.#options = options;
    const { fleet, inContext, random } = options.whole;
    this.#turn = Math.floor(random.next() * 2 ** 16);
    this.#stopFollowing = fleet.onChange(() => inContext(() => this.pump()));
  }

  /** Hands out what can be done now. */
  pump(): void {
    // What it calls may call it: the outer turn sees what has changed, as it reads everything anew.
    if (this.#pumping || this.#stopped) return;
    this.#pumping = true;
    try {
      let more = true;
      while (more && !this.#stopped) more = this.#handOut();
    } catch (error) {
      this.#options.onFault(error);
    } finally {
      this.#pumping = false;
    }
    if (!this.#stopped && this.#exhausted && this.#left === 0) this.#options.onEnd();
  }

  /** No more parts are handed out or told. */
  stop(): void {
    this.#stopped = true;
    this.#stopFollowing();
    for (const timer of this.#timers) timer.cancel();
    this.#options.requests.return?.();
  }

  get #left(): number {
    return this.#running + this.#lost.length + this.#timers.size + (this.#fresh === undefined ? 0 : 1);
  }

  /** Hands out one part; whether there may be another to hand out. */
  #handOut(): boolean {
    const standing = this.#options.whole.fleet.standing();
    const lost = this.#lost.findIndex((piece) => this.#place(piece, standing));
    if (lost >= 0) {
      this.#lost.splice(lost, 1);
      return true;
    }
    this.#fresh ??= this.#take();
    if (this.#fresh === undefined || !this.#place(this.#fresh, standing)) return false;
    this.#fresh = undefined;
    return true;
  }

  #take(): Piece<Req> | undefined {
    const { requests, horizon } = this.#options;
    if (this.#exhausted || this.#taken >= horizon()) return undefined;
    const step = requests.next();
    if (step.done === true) {
      this.#exhausted = true;
      return undefined;
    }
    this.#taken += 1;
    return newPiece(this.#taken - 1, step.value);
  }

  /** Gives `piece` to whoever does least, or up where nobody is left for it; false where it has to wait. */
  #place(piece: Piece<Req>, { ready, idle, coming }: FleetStanding): boolean {
    const isUntried = (instance: string) => !piece.tried.has(instance);
    const instance = this.#freest(ready.filter(isUntried)) ?? this.#freest(idle.filter(isUntried));
    if (instance !== undefined) {
      this.#start(piece, instance);
      return true;
    }
    if ([ready, idle, coming].some((instances) => instances.some(isUntried))) return false;
    if (piece.connectionLost !== undefined) this.#forgive(piece, piece.connectionLost);
    else this.#lose(piece);
    return true;
  }

  #freest(able: readonly string[]): string | undefined {
    let least = this.#options.perInstance;
    let freest: string | undefined;
    for (let offset = 0; offset < able.length; offset += 1) {
      const instance = able[(this.#turn + offset) % able.length];
      const busy = instance === undefined ? least : (this.#busy.get(instance) ?? 0);
      if (busy >= least) continue;
      least = busy;
      freest = instance;
    }
    return freest;
  }

  #start(piece: Piece<Req>, instance: string): void {
    const { whole } = this.#options;
    piece.at = instance;
    this.#turn += 1;
    this.#running += 1;
    this.#busy.set(instance, (this.#busy.get(instance) ?? 0) + 1);
    whole.ask(piece.request, instance).then(
      (value) => this.#settle(instance, () => this.#tell(piece.index, { ok: true, value, instance })),
      (error: unknown) => this.#settle(instance, () => this.#fail(piece, instance, toRpcError(error))),
    );
  }

  #settle(instance: string, note: () => void): void {
    this.#running -= 1;
    const busy = (this.#busy.get(instance) ?? 0) - 1;
    if (busy > 0) this.#busy.set(instance, busy);
    else this.#busy.delete(instance);
    if (this.#stopped) return;
    note();
    this.pump();
  }

  #fail(piece: Piece<Req>, instance: string, error: RpcError): void {
    const { whole, maxTries } = this.#options;
    const { retryable, costs, connectionLost } = fateOf(whole.method, error);
    piece.failure = error;
    piece.attempts.push(...(error.report?.attempts ?? []));
    piece.connectionLost = connectionLost && !piece.forgiven ? instance : undefined;
    piece.tried.add(instance);
    if (costs) piece.tries += 1;
    const mayRetry = retryable && piece.tries < maxTries && (!costs || whole.fleet.mayRetry());
    if (mayRetry) this.#lost.push(piece);
    else this.#lose(piece);
  }

  /** Lets it be tried once more where it was turned away, a little later. */
  #forgive(piece: Piece<Req>, instance: string): void {
    const timer = this.#options.whole.clock.setTimer(SAME_AGAIN_MS, () => {
      this.#timers.delete(timer);
      piece.connectionLost = undefined;
      piece.forgiven = true;
      piece.tried.delete(instance);
      this.#lost.push(piece);
      this.#options.whole.inContext(() => this.pump());
    });
    this.#timers.add(timer);
  }

  #lose(piece: Piece<Req>): void {
    const { method, fleet } = this.#options.whole;
    const error = lossOf(method, piece.attempts, piece.failure ?? fleet.noInstanceError());
    this.#tell(piece.index, { ok: false, error, instance: piece.at });
  }

  #tell(index: number, part: Part<Res>): void {
    if (!this.#stopped) this.#options.onPart(index, part);
  }
}

/** A part that isn't done yet: where it was tried, and what came of that. */
interface Piece<Req> {
  readonly index: number;
  readonly request: Req;
  /** Where it isn't tried again. */
  readonly tried: Set<string>;
  /** Who it was tried at last. */
  at: string | undefined;
  /** Who lost its connection before the part could be taken: it may be tried once more where there is no other. */
  connectionLost: string | undefined;
  /** Whether that has been done. */
  forgiven: boolean;
  /** How many instances it has burdened. */
  tries: number;
  failure: RpcError | undefined;
  readonly attempts: Attempt[];
}

/** A part that was tried nowhere. */
function newPiece<Req>(index: number, request: Req): Piece<Req> {
  const untried = { at: undefined, connectionLost: undefined, forgiven: false, tries: 0, failure: undefined };
  return { index, request, tried: new Set(), attempts: [], ...untried };
}

/** What a try's failure means for its part. */
type Fate = Pick<Failure, 'retryable' | 'costs' | 'connectionLost'>;

/**
 * What `error`, with which a call of `method` at one instance failed, means for the part. What isn't the instance's own
 * doing would be the same elsewhere.
 */
function fateOf(method: Method, error: RpcError): Fate {
  const failure = classifyFailure(method, received(error), false);
  if (failure?.retryable) return failure;
  const safe = method.policy.idempotency !== 'unknown';
  return { retryable: safe && INSTANCE_FAULTS.has(error.code), costs: true, connectionLost: false };
}

const INSTANCE_FAULTS: ReadonlySet<Status> = new Set([Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED]);

/** The failure as the connection told it: a client hands out a copy that explains it. */
function received(error: RpcError): unknown {
  return error.report !== undefined && error.cause instanceof RpcError ? error.cause : error;
}

/** The failure of a part, with every try at it. */
export function lossOf({ path }: Method, attempts: readonly Attempt[], cause: RpcError): RpcError {
  const { code, message, details, metadata, report } = cause;
  const elapsedMs = attempts.reduce((sum, attempt) => sum + attempt.elapsedMs, 0);
  const places = new Set(attempts.map(({ instance }) => instance));
  const tried = places.size > 1 ? ` (tried at ${[...places].join(', ')})` : '';
  return new RpcError(code, message + tried, {
    details,
    metadata,
    cause,
    report: { method: report?.method ?? path, attempts: [...attempts], elapsedMs },
  });
}

/** What failed, as an error of a call. */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RpcError(Status.INTERNAL, message, { cause: error });
}
