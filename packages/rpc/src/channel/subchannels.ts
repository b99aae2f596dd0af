import type { Clock, Random } from '../clock/index.js';
import type { Endpoint, Resolution } from '../resolver/index.js';
import type { ConnectivityState, TransportFactory } from '../transport/index.js';
import { DrainingConnections } from './draining-connections.js';
import { HEALTH_SERVICE, HealthWatch } from './health-watch.js';
import type { SlowStart } from './slow-start.js';
import { Subchannel } from './subchannel.js';
import type { SubsetWindow } from './subset.js';

/** What a roster is made from. */
interface SubchannelsOptions {
  readonly service: string;
  readonly transport: TransportFactory;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether what each endpoint says of its own health is watched. */
  readonly healthCheck: boolean;
  readonly slowStart: SlowStart;
  /** Which of them are used; undefined where all are. */
  readonly subset: SubsetWindow | undefined;
  /** Where its client stands among its like, in [0, 1). */
  readonly position: () => number;
  /** A subchannel's connection has come to `state`: broken, where it stood before. Before `onChange`. */
  readonly onState: (subchannel: Subchannel, state: ConnectivityState, broke: boolean) => void;
  /** What a subchannel can take has changed. */
  readonly onChange: () => void;
}

/** Up to this many endpoints are connected before a call needs them. */
const CONNECT_EARLY_LIMIT = 16;

/** The subchannels of a pool: who is there, by what the resolver says and connections tell, and which of them are used. */
export class Subchannels {
  readonly #options: SubchannelsOptions;
  readonly #subchannels = new Map<string, Subchannel>();
  readonly #arrivals = new NewInstances();
  readonly #leaving: DrainingConnections;

  constructor(options: SubchannelsOptions) {
    this.#options = options;
    this.#leaving = new DrainingConnections(options.clock);
  }

  /** How many there are. */
  get size(): number {
    return this.#subchannels.size;
  }

  /** All there are. */
  get all(): readonly Subchannel[] {
    return [...this.#subchannels.values()];
  }

  /** Those of them that are used. */
  get inUse(): readonly Subchannel[] {
    return this.#options.subset === undefined ? this.all : this.all.filter(({ inSubset }) => inSubset);
  }

  /** Whether it depends on the client's position who they are. */
  get hasSubset(): boolean {
    return this.#options.subset !== undefined && this.#subchannels.size > 0;
  }

  /** The one of that name; undefined where there is none. */
  find(instanceId: string): Subchannel | undefined {
    return this.#subchannels.get(instanceId);
  }

  /** Notes who there is. Gives whether nobody is left of those who were there before. */
  onResolution({ endpoints, departed }: Resolution): boolean {
    const listed = new Map(endpoints.map((endpoint) => [endpoint.instanceId, endpoint]));
    for (const [id, subchannel] of this.#subchannels) {
      const next = listed.get(id);
      if (next === undefined) this.#unlist(subchannel, departed.includes(id));
      else if (next.address !== subchannel.endpoint.address) this.#remove(subchannel);
    }
    const renewed = this.#subchannels.size === 0;
    for (const endpoint of listed.values()) this.#list(endpoint);
    this.#arrivals.trim(this.#subchannels.size);
    this.chooseSubset();
    return renewed;
  }

  /** A call is sent to somebody. */
  onPick(): void {
    this.#arrivals.onPick();
  }

  /** A call of `subchannel` has ended. */
  onEnd(subchannel: Subchannel): void {
    this.#leaving.onEnd(subchannel);
  }

  /** Chooses those that are used. A connection that isn't one of theirs any more ends once its calls have. */
  chooseSubset(): void {
    const { subset, position } = this.#options;
    for (const subchannel of subset?.reset(this.#subchannels, position()) ?? []) {
      if (subchannel.transport.state === 'idle') continue;
      subchannel.unsubscribe();
      this.#leaving.add(subchannel);
      if (subchannel.listed) this.#add(subchannel.endpoint, false).inSubset = false;
      else this.#subchannels.delete(subchannel.endpoint.instanceId);
    }
  }

  /** Has others take the place of those that can't be used. */
  fillSubset(): void {
    if (this.#options.subset?.grow(this.#subchannels)) this.connectEarly();
  }

  /** Whether those that are used are so few that they are connected before a call needs them. */
  get small(): boolean {
    return this.inUse.length <= CONNECT_EARLY_LIMIT;
  }

  /** Connects those that are used, where they are few. */
  connectEarly(): void {
    if (!this.small) return;
    for (const subchannel of this.inUse) if (subchannel.transport.state === 'idle') subchannel.connect();
  }

  /** Closes all connections. */
  close(): void {
    for (const subchannel of this.#subchannels.values()) this.#remove(subchannel);
    this.#leaving.close();
  }

  #list(endpoint: Endpoint): void {
    const isNew = this.#arrivals.note(endpoint);
    const present = this.#subchannels.get(endpoint.instanceId);
    if (present === undefined) {
      this.#add(endpoint, isNew);
      return;
    }
    const news = present.endpoint !== endpoint || !present.listed;
    if (news && endpoint.standing === 'serving') present.transport.hurry?.();
    if (isAnother(present.endpoint, endpoint)) present.onReplaced(this.#options.clock.now());
    present.update(endpoint, isNew);
    present.listed = true;
  }

  #add(endpoint: Endpoint, isNew: boolean): Subchannel {
    const { transport: connectTo, slowStart } = this.#options;
    const transport = connectTo(endpoint.address, { minPingIntervalMs: endpoint.minPingIntervalMs });
    const subchannel = new Subchannel(endpoint, transport, slowStart);
    subchannel.subscribe((state) => this.#onState(subchannel, state));
    subchannel.update(endpoint, isNew);
    this.#subchannels.set(endpoint.instanceId, subchannel);
    this.#watchHealth(subchannel);
    return subchannel;
  }

  #onState(subchannel: Subchannel, state: ConnectivityState): void {
    const { onState, onChange } = this.#options;
    onState(subchannel, state, subchannel.onState(state));
    subchannel.health?.onState(state);
    // It was kept only because its connection stood.
    if (subchannel.failed && !subchannel.listed) this.#remove(subchannel);
    onChange();
  }

  /** Health itself is told by no other. */
  #watchHealth(subchannel: Subchannel): void {
    const { service, clock, random, healthCheck, onChange } = this.#options;
    if (!healthCheck || service === HEALTH_SERVICE) return;
    const { transport } = subchannel;
    subchannel.health = new HealthWatch({ service, transport, clock, random, onChange: onChange });
    if (transport.state === 'ready') subchannel.health.onState('ready');
  }

  /** An instance that didn't say goodbye is kept until its connection fails, too: the registry can only help. */
  #unlist(subchannel: Subchannel, departed: boolean): void {
    subchannel.listed = false;
    if (departed || subchannel.failed) this.#remove(subchannel);
  }

  #remove(subchannel: Subchannel): void {
    subchannel.unsubscribe();
    subchannel.transport.close();
    this.#subchannels.delete(subchannel.endpoint.instanceId);
  }
}

/** Whether another process has taken the place of the one that was known. */
function isAnother({ incarnation: before }: Endpoint, { incarnation }: Endpoint): boolean {
  return before !== 0 && incarnation !== 0 && before !== incarnation;
}

/** So many that have gone are remembered. */
const FORMER_LIMIT = 1_000;

/** Tells the processes that have just come from those that a client found running, or has known before. */
export class NewInstances {
  /** The incarnation of each instance, those first that were seen longest ago. */
  readonly #seen = new Map<string, number>();
  #picked = false;

  /** A call has been given to somebody: whoever is new from now on has just come. */
  onPick(): void {
    this.#picked = true;
  }

  /** Notes that an instance is there. Gives whether it is a process that wasn't there before the first pick. */
  note({ instanceId, incarnation }: Pick<Endpoint, 'instanceId' | 'incarnation'>): boolean {
    const known = this.#seen.get(instanceId) === incarnation;
    this.#seen.delete(instanceId);
    this.#seen.set(instanceId, incarnation);
    return this.#picked && !known;
  }

  /** Forgets those seen longest ago, where more are known than the `present` and some that have gone. */
  trim(present: number): void {
    for (const instanceId of this.#seen.keys()) {
      if (this.#seen.size <= present + FORMER_LIMIT) return;
      this.#seen.delete(instanceId);
    }
  }
}
