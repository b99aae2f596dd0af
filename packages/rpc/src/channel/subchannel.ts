import { type Endpoint, type Standing, whyNoShare } from '../resolver/index.js';
import type { ConnectivityState, Transport } from '../transport/index.js';
import type { HealthWatch } from './health-watch.js';
import { MethodCandidate } from './method-candidate.js';
import { Ejection } from './outlier-detection/ejection.js';
import { ConnectionFailures } from './outlier-detection/outcome-window.js';
import { Refusals } from './refusals.js';
import { type SlowStart, SlowStartState } from './slow-start.js';

/** An endpoint with the connection to it, and what is known of both. */
export class Subchannel {
  endpoint: Endpoint;
  readonly transport: Transport;
  readonly slowStart: SlowStart;
  readonly slowStartState: SlowStartState;
  readonly refusals = new Refusals();
  /** For all methods: for faults of one where no other is known to work, and for connections that break. */
  readonly ejection = new Ejection();
  /** When its connection broke. */
  readonly connectionFailures = new ConnectionFailures();
  /** Whether the resolver still names it. */
  listed = true;
  /** Whether its connection broke or couldn't be made, and hasn't stood since. */
  failed = false;
  /** Whether its client uses it: not where there are many, and others are its part. */
  inSubset = true;
  readonly #candidates = new Map<string, MethodCandidate>();
  /** What it says of its own health, where that is watched. */
  health: HealthWatch | undefined;
  #wasReady = false;
  #unfollow: (() => void) | undefined;

  constructor(endpoint: Endpoint, transport: Transport, slowStart: SlowStart) {
    this.endpoint = endpoint;
    this.transport = transport;
    this.slowStart = slowStart;
    this.slowStartState = new SlowStartState(slowStart);
  }

  /** Hears of each state that its connection comes to, until {@link unsubscribe}. */
  subscribe(onState: (state: ConnectivityState) => void): void {
    this.#unfollow = this.transport.subscribe(onState);
  }

  /** Nothing more is heard of it, nor of its health; its connection stays. */
  unsubscribe(): void {
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
    if (isNew) this.slowStartState.onArrival();
    if (this.ready) this.slowStartState.onReady();
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
    return this.health?.serving ?? true;
  }

  /** Whether a call could wait for it to be ready: it isn't, but nothing says that it won't be soon. */
  get mayBecomeReady(): boolean {
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
    for (const candidateFor of this.#candidates.values()) sum += candidateFor.inFlight;
    return sum;
  }

  /** Whether nothing is known that keeps calls of any method from it, be it that it isn't connected yet. */
  get usable(): boolean {
    if (!this.serving || this.failed || !this.healthy || this.refusals.ofService !== undefined) return false;
    for (const candidate of this.#candidates.values()) if (candidate.setAside) return false;
    return true;
  }

  /**
   * Whether it takes calls, or would, had nothing befallen it: its connection failed, or it took calls before and says
   * that it can't now. One that isn't connected yet, or was taken out on purpose, is no capacity that was lost.
   */
  get countsAsCapacity(): boolean {
    if (this.serving) return this.failed || this.transport.state === 'ready';
    return this.#candidates.size > 0 && this.endpoint.standing === 'starting';
  }

  /** What is known of it for calls of the method at `path`. */
  candidate(path: string): MethodCandidate {
    const known = this.#candidates.get(path);
    if (known !== undefined) return known;
    const candidate = new MethodCandidate(this, path);
    this.#candidates.set(path, candidate);
    return candidate;
  }

  /** What is known of it, method by method. */
  get candidates(): Iterable<MethodCandidate> {
    return this.#candidates.values();
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
    if (this.ready) this.slowStartState.onReady();
    return broke;
  }

  /** Takes calls of all methods again, where it didn't. Gives whether that is news. */
  readmit(now: number): boolean {
    if (this.ejection.cause === undefined) return false;
    this.ejection.end(now);
    this.connectionFailures.clear();
    for (const candidate of this.candidates) if (!candidate.ejected) candidate.readmit(now);
    return true;
  }

  /** Another process has taken its place: what the one before did is forgotten, but for its connections. */
  onReplaced(now: number): void {
    if (this.ejection.cause === 'faults') this.readmit(now);
    for (const candidate of this.candidates) candidate.readmit(now);
  }

  /** Why no call of the method at `path`, or of any method, goes there; undefined where calls do. */
  whyUnavailable(path?: string): string | undefined {
    const { endpoint, transport, refusals } = this;
    if (endpoint.standing !== 'serving') return NOT_SERVING[endpoint.standing];
    if (!this.inSubset) return "not in this client's subset";
    if (transport.state !== 'ready') return STATES[transport.state] ?? transport.lastError ?? 'not connected';
    if (!this.healthy) return 'not serving (health)';
    const refusal = path === undefined ? refusals.ofService : refusals.ofMethod(path);
    if (refusal !== undefined) return `set aside: ${refusal.foreign ? '' : 'answers UNIMPLEMENTED: '}${refusal.reason}`;
    return this.#whyEjected(path) ?? whyNoShare(endpoint);
  }

  /** Another process may be at the address now: it is asked soon, unless it is its connection that doesn't last. */
  #onConnected(now: number): void {
    this.refusals.onConnected(now);
    if (this.ejection.cause !== 'connection') this.ejection.probeSoon(now);
    for (const { ejection } of this.candidates) ejection.probeSoon(now);
  }

  #whyEjected(path: string | undefined): string | undefined {
    const now = this.slowStart.clock.now();
    if (this.ejection.cause !== undefined) return `ejected: ${this.ejection.describe(now)}`;
    return path === undefined ? undefined : this.#candidates.get(path)?.whyEjected(now);
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
