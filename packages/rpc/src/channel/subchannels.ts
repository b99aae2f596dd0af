import type { Clock, Random } from '@rondo/base';
import type { PickCall } from '../balancer/picker.js';
import type { Method } from '../contract/method.js';
import type { Endpoint, Resolution } from '../resolver/resolver.js';
import type { ConnectivityState, TransportEvent } from '../transport/transport.js';
import type { Connections } from './connections.js';
import { HEALTH_SERVICE, HealthWatch } from './health-watch.js';
import { mayServe } from './picker.js';
import type { Subset } from './policies.js';
import type { SlowStart } from './slow-start.js';
import type { MethodCandidate } from './subchannel.js';
import { Subchannel } from './subchannel.js';

interface SubchannelsOptions {
  readonly service: string;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether the health of each instance is watched. */
  readonly healthCheck: boolean;
  readonly slowStart: SlowStart;
  /** Whether a call has been given to an instance: a process that comes later is new, and gets a slow start. */
  readonly hasPicked: () => boolean;
  /** Chooses the subchannels in use; undefined if all are. */
  readonly subset: Subset | undefined;
  /** Called before `onChange` when a connection enters `state`; `broke` says whether an established one was lost. */
  readonly onState: (subchannel: Subchannel, state: ConnectivityState, broke: boolean) => void;
  /** Called when the calls that a subchannel can take have changed. */
  readonly onChange: () => void;
}

/** Up to this many subchannels are connected before a call needs them. */
const CONNECT_EARLY_LIMIT = 16;

/** The subchannels of a pool, kept in step with the resolver and the connections, and the subset of them that is in use. */
export class Subchannels {
  readonly #options: SubchannelsOptions;
  readonly #byInstance = new Map<string, Subchannel>();
  readonly #newInstances = new NewInstances();
  /** Whether an instance had departed in the last resolution. */
  #departed = false;

  constructor(options: SubchannelsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byInstance.size;
  }

  get all(): readonly Subchannel[] {
    return [...this.#byInstance.values()];
  }

  /** The subchannels that calls may use. */
  get inUse(): readonly Subchannel[] {
    return this.#options.subset === undefined ? this.all : this.all.filter(({ inSubset }) => inSubset);
  }

  /** Whether the client uses a subset, which depends on its position. */
  get hasSubset(): boolean {
    return this.#options.subset !== undefined && this.#byInstance.size > 0;
  }

  /** The subchannel of an instance; undefined if the instance is unknown. */
  find(instanceId: string): Subchannel | undefined {
    return this.#byInstance.get(instanceId);
  }

  /** Whether an instance takes calls. */
  get anyServes(): boolean {
    return this.all.some(({ serving, healthy }) => serving && healthy);
  }

  /** Whether an instance has said that it leaves: to the registry, or by its health. */
  get anyLeaves(): boolean {
    const isLeaving = ({ endpoint, healthy }: Subchannel) => endpoint.state === 'draining' || !healthy;
    return this.#departed || this.all.some(isLeaving);
  }

  /** Applies a resolution. Returns whether none of the previous subchannels is left. */
  onResolution({ endpoints, departed }: Resolution): boolean {
    this.#departed = departed.length > 0;
    const listed = new Map(endpoints.map((endpoint) => [endpoint.instanceId, endpoint]));
    for (const [id, subchannel] of this.#byInstance) {
      const next = listed.get(id);
      if (next === undefined) this.#unlist(subchannel, departed.includes(id));
      else if (isElsewhere(subchannel.endpoint, next)) this.#remove(subchannel);
    }
    const replaced = this.#byInstance.size === 0;
    for (const endpoint of listed.values()) this.#list(endpoint);
    this.#newInstances.trim(this.#byInstance.size);
    this.chooseSubset();
    return replaced;
  }

  /** The subchannels that a call can wait for: not tried, not connected yet or silent, and not known to fail. */
  connectable(
    { path }: Method,
    { tried, version }: Pick<PickCall<MethodCandidate>, 'tried' | 'version'>,
  ): readonly Subchannel[] {
    return this.inUse.filter(
      (subchannel) =>
        subchannel.mayBecomeReady &&
        subchannel.refusals.ofMethod(path) === undefined &&
        mayServe(subchannel.endpoint, version) &&
        !tried.some((candidate) => candidate.subchannel === subchannel),
    );
  }

  /** Whether an instance that was not tried can be picked now. */
  canPick({ path }: Method, { tried, version }: PickCall<MethodCandidate>): boolean {
    return this.inUse.some((subchannel) => {
      if (!subchannel.ready || !mayServe(subchannel.endpoint, version)) return false;
      const candidate = subchannel.candidate(path);
      return !candidate.setAside && !tried.includes(candidate);
    });
  }

  /** Whether every serving instance refuses the method: of one version, if `version` is given. */
  refusedByAll({ path }: Method, version: string | undefined): boolean {
    const serving = this.inUse.filter(({ serving, endpoint }) => serving && mayServe(endpoint, version));
    return serving.every(({ refusals }) => refusals.ofMethod(path) !== undefined);
  }

  /** Chooses the subset again. A connection that leaves the subset is closed after its calls have ended. */
  chooseSubset(): void {
    for (const subchannel of this.#options.subset?.reset(this.#byInstance) ?? []) {
      if (subchannel.transport.state === 'idle') continue;
      this.#remove(subchannel);
      if (subchannel.listed) this.#add(subchannel.endpoint, false).inSubset = false;
    }
  }

  /** Replaces unusable subchannels of the subset with others. */
  fillSubset(): void {
    if (this.#options.subset?.grow(this.#byInstance)) this.connectEarly();
  }

  /** Whether the pool is small enough to connect before a call needs it. */
  get small(): boolean {
    return this.inUse.length <= CONNECT_EARLY_LIMIT;
  }

  /** Connects the subchannels in use if the pool is small. */
  connectEarly(): void {
    if (!this.small) return;
    for (const subchannel of this.inUse) if (subchannel.transport.state === 'idle') subchannel.connect();
  }

  close(): void {
    for (const subchannel of this.#byInstance.values()) this.#remove(subchannel);
  }

  #list(endpoint: Endpoint): void {
    const isNew = this.#newInstances.note(endpoint) && this.#options.hasPicked();
    const present = this.#byInstance.get(endpoint.instanceId);
    if (present === undefined) {
      this.#add(endpoint, isNew);
      return;
    }
    const news = present.endpoint !== endpoint || !present.listed;
    if (news && endpoint.state === 'serving') present.transport.resetBackoff?.();
    if (isAnother(present.endpoint, endpoint)) present.onReplaced(this.#options.clock.now());
    // It is up, but can't serve: what it has may never be answered, as at a server that `rondo join` checks, and that has frozen.
    const hasFailed = present.serving && endpoint.state === 'starting';
    present.update(endpoint, isNew);
    present.listed = true;
    if (hasFailed) present.abandonCalls();
  }

  #add(endpoint: Endpoint, isNew: boolean): Subchannel {
    const { connections, service, slowStart } = this.#options;
    const subchannel = new Subchannel(endpoint, connections.to(endpoint, service), slowStart);
    subchannel.subscribe((event) => this.#onEvent(subchannel, event));
    subchannel.update(endpoint, isNew);
    this.#byInstance.set(endpoint.instanceId, subchannel);
    this.#watchHealth(subchannel);
    return subchannel;
  }

  #onEvent(subchannel: Subchannel, event: TransportEvent): void {
    if (event !== 'silence') this.#onState(subchannel, event);
    else {
      this.#options.onChange();
      if (subchannel.silent) subchannel.abandonCalls();
    }
  }

  #onState(subchannel: Subchannel, state: ConnectivityState): void {
    const { onState, onChange } = this.#options;
    onState(subchannel, state, subchannel.onState(state));
    subchannel.health?.onState(state);
    // An unlisted instance was kept only for its established connection.
    if (subchannel.failed && !subchannel.listed) this.#remove(subchannel);
    onChange();
  }

  /** The health service itself has no health to watch. */
  #watchHealth(subchannel: Subchannel): void {
    const { service, clock, random, healthCheck, onChange } = this.#options;
    if (!healthCheck || service === HEALTH_SERVICE) return;
    const { transport } = subchannel;
    subchannel.health = new HealthWatch({ service, transport, clock, random, onChange });
  }

  /** An instance that did not deregister itself is kept while its connection stands: the registry may be wrong. */
  #unlist(subchannel: Subchannel, departed: boolean): void {
    subchannel.listed = false;
    if (departed || subchannel.failed) this.#remove(subchannel);
  }

  #remove(subchannel: Subchannel): void {
    subchannel.unsubscribe();
    subchannel.transport.close();
    this.#byInstance.delete(subchannel.endpoint.instanceId);
  }
}

/** Whether an instance needs another connection than before. */
function isElsewhere(before: Endpoint, { address, frames, secure }: Endpoint): boolean {
  return before.address !== address || before.frames !== frames || before.secure !== secure;
}

/** Whether another process has taken the place of the known one. */
function isAnother({ incarnation: before }: Endpoint, { incarnation }: Endpoint): boolean {
  return before !== 0 && incarnation !== 0 && before !== incarnation;
}

/** How many instances that have gone are remembered. */
const FORMER_LIMIT = 1_000;

/** Distinguishes new processes from known ones. */
export class NewInstances {
  /** The incarnation of each instance; the least recently seen first. */
  readonly #seen = new Map<string, number>();

  /** Notes an instance. Returns whether its process wasn't known. */
  note({ instanceId, incarnation }: Pick<Endpoint, 'instanceId' | 'incarnation'>): boolean {
    const known = this.#seen.get(instanceId) === incarnation;
    this.#seen.delete(instanceId);
    this.#seen.set(instanceId, incarnation);
    return !known;
  }

  /** Forgets the least recently seen instances beyond the `present` ones and {@link FORMER_LIMIT} more. */
  trim(present: number): void {
    for (const instanceId of this.#seen.keys()) {
      if (this.#seen.size <= present + FORMER_LIMIT) return;
      this.#seen.delete(instanceId);
    }
  }
}
