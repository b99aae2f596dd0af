import type { Candidate } from '../balancer/picker.js';
import type { CallContext } from '../call/call-context.js';
import { Durations, toMicros } from '../call/durations.js';
import type { Metadata } from '../call/metadata.js';
import type { Method } from '../contract/method.js';
import { canaryReason } from '../resolver/canary.js';
import type { Endpoint, InstanceState } from '../resolver/resolver.js';
import { RpcError } from '../status/rpc-error.js';
import type { ConnectivityState, Transport, TransportEvent } from '../transport/transport.js';
import { type Refusal, Refusals } from './failure.js';
import type { HealthWatch } from './health-watch.js';
import type { LoadWeight } from './load-weight.js';
import { CandidateStats, ConnectionFailures, Ejection, isServerFault } from './outcomes.js';
import { type SlowStart, SlowStartState } from './slow-start.js';

/** An attempt in flight whose call may be made elsewhere. */
interface AbandonableAttempt {
  /** Moves its call to another instance. Returns the context of the call to abandon; undefined if it can't be moved. */
  moved(): CallContext | undefined;
}

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
  readonly abandonable = new Set<AbandonableAttempt>();
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

  /** Whether the instance may take calls, though it may not be connected yet. */
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

  /** It has fallen silent, or can't serve: the calls in flight that another instance can take are made there. */
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

/** How an attempt ended. */
export interface AttemptOutcome {
  /** The failure; undefined if the attempt succeeded or its caller cancelled it. */
  readonly error: unknown;
  /** Whether the server answered: with a reply, or with a handler's error. */
  readonly answered?: boolean | undefined;
  /** How long the attempt took, at most until its deadline. Milliseconds. */
  readonly elapsedMs: number;
  /** The trailing metadata, if the server sent any. */
  readonly trailer?: Metadata | undefined;
  /** When the attempt ended, by the channel's clock. */
  readonly endedAt: number;
  /** What ended the attempt before its answer: the deadline, a hedge that answered first, or the caller. Undefined if nothing did. */
  readonly endedBy?: 'deadline' | 'hedge' | 'caller' | undefined;
  /** Whether the attempt was a probe: it began while its candidate was ejected. */
  readonly probe?: boolean;
  /** The answer that the instance does not serve the method, if that is how it ended. */
  readonly refusal?: Refusal | undefined;
}

/** Counts the attempts that a process makes at the instances of a service, or at one of them. To count allocates nothing. */
export class AttemptStats extends Durations {
  begun = 0;
  /** The attempts that failed by a fault of the instance or of the way to it. */
  failed = 0;

  /** An attempt has ended. Only `unary` ones count by their durations: how long a stream lasts, its caller decides. */
  end({ error, elapsedMs, endedBy }: AttemptOutcome, unary: boolean): void {
    if (endedBy === 'caller' || endedBy === 'hedge') return;
    if (error instanceof RpcError && isServerFault(error.code)) this.failed += 1;
    if (unary) this.took(toMicros(elapsedMs));
  }
}

/** A subchannel as a candidate for the calls of one method: its load, its state and its recent outcomes for that method. */
export class MethodCandidate implements Candidate {
  readonly subchannel: Subchannel;
  /** The path of the method, `/package.Service/Method`. */
  readonly path: string;
  readonly id: string;
  inFlight = 0;
  /** The weight from its load reports; undefined if there are none or the policy doesn't use them. */
  load: LoadWeight | undefined;
  /** The number of attempts made there. */
  picks = 0;
  /** The ejection for this method. The subchannel's own ejection is for all methods. */
  readonly ejection = new Ejection();
  /** Whether it takes calls although it is ejected, because too many candidates are. */
  inPanic = false;
  /** When its slow start for this method began, by the channel's clock; negative infinity if it had none. */
  startedAt = Number.NEGATIVE_INFINITY;
  /** The recent outcomes of its calls. */
  readonly stats = new CandidateStats();

  constructor(subchannel: Subchannel, path: string) {
    this.subchannel = subchannel;
    this.path = path;
    this.id = subchannel.endpoint.instanceId;
  }

  /** The endpoint as last resolved. */
  get endpoint(): Endpoint {
    return this.subchannel.endpoint;
  }

  get zone(): string {
    return this.subchannel.endpoint.zone;
  }

  get weight(): number {
    return this.subchannel.endpoint.weight;
  }

  get loadWeight(): number | undefined {
    return this.load?.value;
  }

  get ramp(): number {
    return this.subchannel.slowStart.ramp(Math.max(this.startedAt, this.subchannel.slowStartState.startedAt));
  }

  /** Whether it is new and is to get one call at once. */
  get awaitsFirstCall(): boolean {
    return this.subchannel.slowStartState.awaitsFirstCall(this.zone) && this.ramp < 1;
  }

  /** Whether the instance refuses the method. */
  get refuses(): boolean {
    return this.subchannel.refusals.ofMethod(this.path) !== undefined;
  }

  /** Whether it is ejected, for this method or for all. */
  get ejected(): boolean {
    return this.ejection.cause !== undefined || this.subchannel.ejection.cause !== undefined;
  }

  /** Whether it is connected but gets only probes. */
  get setAside(): boolean {
    return (this.ejected && !this.inPanic) || this.refuses;
  }

  /** Whether a call may probe this candidate now. Blocks further probes for a while. */
  mayProbe({ policy }: Method, now: number): boolean {
    const safe = policy.idempotency !== 'unknown';
    const { refusals, ejection: whole } = this.subchannel;
    if (this.refuses) return refusals.mayProbe(this.path, safe, now);
    return whole.cause === undefined ? this.ejection.mayProbe(now) : whole.mayProbe(now, { safe });
  }

  /** Ends the ejection. The candidate starts slowly. */
  readmit(now: number): void {
    this.ejection.end(now);
    this.stats.clear();
    this.startedAt = now;
  }

  /** Why it is ejected for this method; undefined if it isn't. */
  whyEjected(now: number): string | undefined {
    if (this.ejection.cause === undefined) return undefined;
    return `ejected for ${this.path.slice(this.path.lastIndexOf('/') + 1)}: ${this.ejection.describe(now)}`;
  }
}
