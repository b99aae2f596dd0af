import type { CallContext } from '../call/call-context.js';
import { canaryReason } from '../resolver/canary.js';
import type { Endpoint, InstanceState } from '../resolver/resolver.js';
import type { ConnectivityState, Transport, TransportEvent } from '../transport/transport.js';
import type { CallAttempt } from './attempt.js';
import type { HealthWatch } from './health-watch.js';
import { AttemptStats, MethodCandidate } from './method-candidate.js';
import { Ejection } from './outlier-detection/ejection.js';
import { ConnectionFailures } from './outlier-detection/outcome-window.js';
import { Refusals } from './refusals.js';
import { type SlowStart, SlowStartState } from './slow-start.js';

/** One endpoint of a pool with its connection, its health and its ejection state. */
export class Subchannel {
  endpoint: Endpoint;
  readonly transport: Transport;
  readonly slowStart: SlowStart;
  readonly slowStartState: SlowStartState;
  readonly refusals = new Refusals();
  /** The ejection for all methods: for lost connections, and for faults if no other method is known to work. */
  readonly ejection = new Ejection();
  /** The recent losses of its connection. */
  readonly connectionFailures = new ConnectionFailures();
  /** Whether the last resolution contains the endpoint. */
  listed = true;
  /** Whether its connection was lost or could not be made, and has not been ready since. */
  failed = false;
  /** The shortest round trip of a call that was timed. Milliseconds. */
  roundTripMs = Number.POSITIVE_INFINITY;
  /** Whether it belongs to the client's subset. */
  inSubset = true;
  /** The attempts in flight there that can be abandoned, because their calls may be repeated. */
  readonly abandonable = new Set<CallAttempt>();
  readonly #candidates = new Map<string, MethodCandidate>();
  #stats: AttemptStats | undefined;
  /** The watch of its health; undefined if health is not watched. */
  health: HealthWatch | undefined;
  #wasReady = false;
  #unfollow: (() => void) | undefined;

  constructor(endpoint: Endpoint, transport: Transport, slowStart: SlowStart) {
    this.endpoint = endpoint;
    this.transport = transport;
    this.slowStart = slowStart;
    this.slowStartState = new SlowStartState(slowStart);
  }

  /** Calls `listener` at each change of the connection, until {@link unsubscribe}. */
  subscribe(listener: (event: TransportEvent) => void): void {
    this.#unfollow = this.transport.subscribe(listener);
  }

  /** Stops listening to the connection and to the health. The connection stays open. */
  unsubscribe(): void {
    this.#unfollow?.();
    this.health?.stop();
  }

  /** Starts to connect. */
  connect(): void {
    // A failure shows in the state, which the pool listens to.
    this.transport.connect().catch(() => undefined);
  }

  /** Applies a new resolution. `isNew`: the process has just started. */
  update(endpoint: Endpoint, isNew: boolean): void {
    this.endpoint = endpoint;
    if (isNew) this.slowStartState.onArrival();
    if (this.ready) this.slowStartState.onReady();
  }

  /** Whether the resolver says that it takes calls. */
  get serving(): boolean {
    return this.endpoint.state === 'serving';
  }

  get ready(): boolean {
    return this.serving && this.transport.state === 'ready' && !this.silent && this.healthy;
  }

  /** Whether it is connected but doesn't answer. */
  get silent(): boolean {
    return this.transport.silent ?? false;
  }

  /** Whether its health service says that it takes calls; true if health is not watched. */
  get healthy(): boolean {
    return this.health?.serving ?? true;
  }

  /** Whether a call can wait for it: it is connecting, idle or silent. */
  get mayBecomeReady(): boolean {
    const { state } = this.transport;
    return this.serving && (state === 'connecting' || state === 'idle' || (this.silent && this.healthy));
  }

  /** Whether keys can belong to it: it is ready, or a connection that has not failed yet is being made. */
  get mayOwn(): boolean {
    if (this.ejection.cause !== undefined || this.refusals.ofService !== undefined) return false;
    return this.ready || (this.mayBecomeReady && !this.silent && this.transport.lastError === undefined);
  }

  /** `region/zone`; empty if unknown. */
  get zone(): string {
    return this.endpoint.zone;
  }

  /** Whether nothing keeps calls from it, except perhaps that it is not connected yet. */
  get usable(): boolean {
    if (!this.serving || this.failed || !this.healthy || this.refusals.ofService !== undefined) return false;
    for (const candidate of this.#candidates.values()) if (candidate.setAside) return false;
    return true;
  }

  /**
   * Whether the instance counts as capacity: it takes calls, or it would if its connection had not failed or its
   * health had not changed. An instance that is not connected yet, is draining or is cordoned is no lost capacity.
   */
  get countsAsCapacity(): boolean {
    if (this.serving) return this.failed || this.transport.state === 'ready';
    return this.#candidates.size > 0 && this.endpoint.state === 'starting';
  }

  /** The attempts made there. */
  get stats(): AttemptStats {
    this.#stats ??= new AttemptStats();
    return this.#stats;
  }

  candidate(path: string): MethodCandidate {
    const known = this.#candidates.get(path);
    if (known !== undefined) return known;
    const candidate = new MethodCandidate(this, path);
    this.#candidates.set(path, candidate);
    return candidate;
  }

  /** Its candidates, one for each method called so far. */
  get candidates(): Iterable<MethodCandidate> {
    return this.#candidates.values();
  }

  /** The connection has entered `state`. Returns whether an established connection was lost. */
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

  /** It has fallen silent: the calls in flight that another instance can take are made there. */
  abandonCalls(): void {
    const contexts = new Set<CallContext>();
    for (const attempt of this.abandonable) {
      const context = attempt.moved();
      if (context !== undefined) contexts.add(context);
    }
    if (contexts.size > 0) this.transport.abandon?.(contexts);
  }

  /** Ends the ejection for all methods. Returns whether there was one. */
  readmit(now: number): boolean {
    if (this.ejection.cause === undefined) return false;
    this.ejection.end(now);
    this.connectionFailures.clear();
    for (const candidate of this.candidates) if (!candidate.ejected) candidate.readmit(now);
    return true;
  }

  /** Another process has taken its place: forgets the outcomes of the previous one, but not its lost connections. */
  onReplaced(now: number): void {
    if (this.ejection.cause === 'faults') this.readmit(now);
    for (const candidate of this.candidates) candidate.readmit(now);
  }

  /** Why it gets no calls of the method at `path`, or of any method; undefined if it gets calls. */
  whyUnavailable(path?: string): string | undefined {
    const { endpoint, transport, refusals } = this;
    if (endpoint.state !== 'serving') return NOT_SERVING[endpoint.state];
    if (!this.inSubset) return "not in this client's subset";
    if (transport.state !== 'ready') return STATES[transport.state] ?? transport.lastError ?? 'not connected';
    if (this.silent) return 'silent: it is connected but answers nothing';
    if (!this.healthy) return 'not serving (health)';
    const refusal = path === undefined ? refusals.ofService : refusals.ofMethod(path);
    if (refusal !== undefined) return `set aside: ${refusal.foreign ? '' : 'answers UNIMPLEMENTED: '}${refusal.reason}`;
    return this.#whyEjected(path) ?? canaryReason(endpoint);
  }

  /** Another process may answer now, so the next probe is soon, unless the ejection is for lost connections. */
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

const NOT_SERVING: Readonly<Record<Exclude<InstanceState, 'serving'>, string>> = {
  starting: 'not ready yet',
  draining: 'draining',
  cordoned: 'cordoned by an operator',
};

const STATES: Partial<Record<ConnectivityState, string>> = {
  idle: 'not connected yet',
  connecting: 'connecting',
  shutdown: 'the connection was closed',
};
