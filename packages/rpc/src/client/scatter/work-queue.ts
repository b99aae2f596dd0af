import type { Timer } from '../../clock/index.js';
import type { RpcError } from '../../status/index.js';
import type { FleetStanding } from '../attempts/fleet.js';
import type { Part } from './part.js';
import { fateOf, lossOf, newPiece, type Piece, toRpcError } from './piece.js';
import type { Whole } from './whole.js';

/** What a queue is made from. */
export interface WorkQueueOptions<Req, Res> {
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
    if (piece.lapsed !== undefined) this.#forgive(piece, piece.lapsed);
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
    const { again, costs, lapsed } = fateOf(whole.method, error);
    piece.failure = error;
    piece.attempts.push(...(error.report?.attempts ?? []));
    piece.lapsed = lapsed && !piece.forgiven ? instance : undefined;
    piece.tried.add(instance);
    if (costs) piece.tries += 1;
    const mayTryAgain = again && piece.tries < maxTries && (!costs || whole.fleet.mayTryAgain());
    if (mayTryAgain) this.#lost.push(piece);
    else this.#lose(piece);
  }

  /** Lets it be tried once more where it was turned away, a little later. */
  #forgive(piece: Piece<Req>, instance: string): void {
    const timer = this.#options.whole.clock.setTimer(SAME_AGAIN_MS, () => {
      this.#timers.delete(timer);
      piece.lapsed = undefined;
      piece.forgiven = true;
      piece.tried.delete(instance);
      this.#lost.push(piece);
      this.#options.whole.inContext(() => this.pump());
    });
    this.#timers.add(timer);
  }

  #lose(piece: Piece<Req>): void {
    const { method, fleet } = this.#options.whole;
    const error = lossOf(method, piece.attempts, piece.failure ?? fleet.whyNobody());
    this.#tell(piece.index, { ok: false, error, instance: piece.at });
  }

  #tell(index: number, part: Part<Res>): void {
    if (!this.#stopped) this.#options.onPart(index, part);
  }
}
