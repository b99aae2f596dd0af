import { Breaks } from './outlier-detection/outcome-window.js';
import { Ejection } from './outlier-detection/ejection.js';
import { type Endpoint, type Standing, whyNoShare } from '../resolver/index.js';
import type { ConnectivityState, Transport } from '../transport/index.js';
import type { HealthWatch } from './health-watch.js';
import { Newcomer, type SlowStart } from './slow-start.js';
import { Refusals } from './refusals.js';
import { Target } from './method-subchannel.js';

/** An endpoint with the connection to it, and what is known of both. */
export class Member {
  endpoint: Endpoint;
  readonly transport: Transport;
  readonly slowStart: SlowStart;
  readonly newcomer: Newcomer;
  readonly refusals = new Refusals();
  /** For all methods: for faults of one where no other is known to work, and for connections that break. */
  readonly ejection = new Ejection();
  /** When its connection broke. */
  readonly breaks = new Breaks();
  /** Whether the resolver still names it. */
  listed = true;
  /** Whether its connection broke or couldn't be made, and hasn't stood since. */
  failed = false;
  /** Whether its client uses it: not where there are many, and others are its part. */
  inSubset = true;
  readonly #targets = new Map<string, Target>();
  /** What it says of its own health, where that is watched. */
  health: HealthWatch | undefined;
  #wasReady = false;
  #unfollow: (() => void) | undefined;

  constructor(endpoint: Endpoint, transport: Transport, slowStart: SlowStart) {
    this.endpoint = endpoint;
    this.transport = transport;
    this.slowStart = slowStart;
    this.newcomer = new Newcomer(slowStart);
  }

  /** Hears of each state that its connection comes to, until {@link unfollow}. */
  follow(onState: (state: ConnectivityState) => void): void {
    this.#unfollow = this.transport.subscribe(onState);
  }

  /** Nothing more is heard of it, nor of its health; its connection stays. */
  unfollow(): void {
    this.#unfollow?.();
    this.health?.stop();
  }

  /** Connects in the background. */
  connect(): void {
    // Whoever calls it learns of a failure; until then it is no news.
    this.transport.connect().catch(() => undefined);
  }

  /** Notes what is said of it now; `isNew` where it is a process that has just come. */
  update(endpoint: Endpoint, isNew: boolean): void {
    this.endpoint = endpoint;
    if (isNew) this.newcomer.onArrival();
    if (this.ready) this.newcomer.onReady();
  }

  /** Whether it takes calls, as the resolver has it. */
  get serving(): boolean {
    return this.endpoint.standing === 'serving';
  }

  get ready(): boolean {
    return this.serving && this.transport.state === 'ready' && this.healthy;
  }

  /** Whether it takes calls, as it says itself over its connection. */
  get healthy(): boolean {
    return this.health?.serves ?? true;
  }

  /** Whether a call could wait for it to be ready: it isn't, but nothing says that it won't be soon. */
  get coming(): boolean {
    const { state } = this.transport;
    return this.serving && (state === 'connecting' || state === 'idle');
  }

  /** `region/zone`; empty where nobody said. */
  get zone(): string {
    return this.endpoint.zone;
  }

  /** The calls that this process has there now. */
  get inFlight(): number {
    let sum = 0;
    for (const target of this.#targets.values()) sum += target.inFlight;
    return sum;
  }

  /** Whether nothing is known that keeps calls of any method from it, be it that it isn't connected yet. */
  get fit(): boolean {
    if (!this.serving || this.failed || !this.healthy || this.refusals.whole !== undefined) return false;
    for (const target of this.#targets.values()) if (target.isAside) return false;
    return true;
  }

  /**
   * Whether it takes calls, or would, had nothing befallen it: its connection failed, or it took calls before and says
   * that it can't now. One that isn't connected yet, or was taken out on purpose, is no capacity that was lost.
   */
  get countsAsCapacity(): boolean {
    if (this.serving) return this.failed || this.transport.state === 'ready';
    return this.#targets.size > 0 && this.endpoint.standing === 'starting';
  }

  /** What is known of it for calls of the method at `path`. */
  target(path: string): Target {
    const known = this.#targets.get(path);
    if (known !== undefined) return known;
    const target = new Target(this, path);
    this.#targets.set(path, target);
    return target;
  }

  /** What is known of it, method by method. */
  get targets(): Iterable<Target> {
    return this.#targets.values();
  }

  /** Notes that its connection has come to `state`. Gives whether it broke by that. */
  onState(state: ConnectivityState): boolean {
    const broke = this.#wasReady && state !== 'ready' && state !== 'shutdown';
    if (state === 'ready') {
      this.failed = false;
      this.#onConnected(this.slowStart.clock.now());
    } else if (state === 'transient_failure' || this.#wasReady) {
      this.failed = true;
    }
    this.#wasReady = state === 'ready';
    if (this.ready) this.newcomer.onReady();
    return broke;
  }

  /** Takes calls of all methods again, where it didn't. Gives whether that is news. */
  restart(now: number): boolean {
    if (this.ejection.cause === undefined) return false;
    this.ejection.end(now);
    this.breaks.clear();
    for (const target of this.targets) if (!target.ejected) target.restart(now);
    return true;
  }

  /** Another process has taken its place: what the one before did is forgotten, but for its connections. */
  renew(now: number): void {
    if (this.ejection.cause === 'faults') this.restart(now);
    for (const target of this.targets) target.restart(now);
  }

  /** Why no call of the method at `path`, or of any method, goes there; undefined where calls do. */
  whyHeld(path?: string): string | undefined {
    const { endpoint, transport, refusals } = this;
    if (endpoint.standing !== 'serving') return NOT_SERVING[endpoint.standing];
    if (!this.inSubset) return "not in this client's subset";
    if (transport.state !== 'ready') return STATES[transport.state] ?? transport.lastError ?? 'not connected';
    if (!this.healthy) return 'not serving (health)';
    const refusal = path === undefined ? refusals.whole : refusals.of(path);
    if (refusal !== undefined) return `set aside: ${refusal.foreign ? '' : 'answers UNIMPLEMENTED: '}${refusal.reason}`;
    return this.#whyEjected(path) ?? whyNoShare(endpoint);
  }

  /** Another process may be at the address now: it is asked soon, unless it is its connection that doesn't last. */
  #onConnected(now: number): void {
    this.refusals.onConnected(now);
    if (this.ejection.cause !== 'connection') this.ejection.askSoon(now);
    for (const { ejection } of this.targets) ejection.askSoon(now);
  }

  #whyEjected(path: string | undefined): string | undefined {
    const now = this.slowStart.clock.now();
    if (this.ejection.cause !== undefined) return `ejected: ${this.ejection.describe(now)}`;
    return path === undefined ? undefined : this.#targets.get(path)?.whyEjected(now);
  }
}

const NOT_SERVING: Readonly<Record<Exclude<Standing, 'serving'>, string>> = {
  starting: 'not ready yet',
  draining: 'draining',
  cordoned: 'cordoned by an operator',
};

const STATES: Partial<Record<ConnectivityState, string>> = {
  idle: 'not connected yet',
  connecting: 'connecting',
  shutdown: 'the connection was closed',
};
