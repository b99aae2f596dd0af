import type { Clock, Random } from '../clock/index.js';
import type { Endpoint, Resolution } from '../resolver/index.js';
import type { ConnectivityState, TransportFactory } from '../transport/index.js';
import { HEALTH_SERVICE, HealthWatch } from './health-watch.js';
import { Member } from './subchannel.js';
import type { SlowStart } from './slow-start.js';
import { Leaving } from './draining-connections.js';
import type { SubsetWindow } from './subset.js';

/** What a roster is made from. */
interface RosterOptions {
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
  /** A member's connection has come to `state`: broken, where it stood before. Before `onChange`. */
  readonly onState: (member: Member, state: ConnectivityState, broke: boolean) => void;
  /** What a member can take has changed. */
  readonly onChange: () => void;
}

/** Up to this many endpoints are connected before a call needs them. */
const CONNECT_EARLY_LIMIT = 16;

/** The members of a group: who is there, by what the resolver says and connections tell, and which of them are used. */
export class Roster {
  readonly #options: RosterOptions;
  readonly #members = new Map<string, Member>();
  readonly #arrivals = new Arrivals();
  readonly #leaving: Leaving;

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#leaving = new Leaving(options.clock);
  }

  /** How many there are. */
  get size(): number {
    return this.#members.size;
  }

  /** All there are. */
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Those of them that are used. */
  get used(): readonly Member[] {
    return this.#options.subset === undefined ? this.members : this.members.filter(({ inSubset }) => inSubset);
  }

  /** Whether it depends on the client's position who they are. */
  get partial(): boolean {
    return this.#options.subset !== undefined && this.#members.size > 0;
  }

  /** The one of that name; undefined where there is none. */
  find(instanceId: string): Member | undefined {
    return this.#members.get(instanceId);
  }

  /** Notes who there is. Gives whether nobody is left of those who were there before. */
  onResolution({ endpoints, departed }: Resolution): boolean {
    const listed = new Map(endpoints.map((endpoint) => [endpoint.instanceId, endpoint]));
    for (const [id, member] of this.#members) {
      const next = listed.get(id);
      if (next === undefined) this.#unlist(member, departed.includes(id));
      else if (next.address !== member.endpoint.address) this.#remove(member);
    }
    const renewed = this.#members.size === 0;
    for (const endpoint of listed.values()) this.#list(endpoint);
    this.#arrivals.trim(this.#members.size);
    this.focus();
    return renewed;
  }

  /** A call is sent to somebody. */
  onPick(): void {
    this.#arrivals.onPick();
  }

  /** A call of `member` has ended. */
  onEnd(member: Member): void {
    this.#leaving.onEnd(member);
  }

  /** Chooses those that are used. A connection that isn't one of theirs any more ends once its calls have. */
  focus(): void {
    const { subset, position } = this.#options;
    for (const member of subset?.reset(this.#members, position()) ?? []) {
      if (member.transport.state === 'idle') continue;
      member.unfollow();
      this.#leaving.add(member);
      if (member.listed) this.#add(member.endpoint, false).inSubset = false;
      else this.#members.delete(member.endpoint.instanceId);
    }
  }

  /** Has others take the place of those that can't be used. */
  refill(): void {
    if (this.#options.subset?.grow(this.#members)) this.connectEarly();
  }

  /** Whether those that are used are so few that they are connected before a call needs them. */
  get small(): boolean {
    return this.used.length <= CONNECT_EARLY_LIMIT;
  }

  /** Connects those that are used, where they are few. */
  connectEarly(): void {
    if (!this.small) return;
    for (const member of this.used) if (member.transport.state === 'idle') member.connect();
  }

  /** Closes all connections. */
  close(): void {
    for (const member of this.#members.values()) this.#remove(member);
    this.#leaving.close();
  }

  #list(endpoint: Endpoint): void {
    const isNew = this.#arrivals.note(endpoint);
    const present = this.#members.get(endpoint.instanceId);
    if (present === undefined) {
      this.#add(endpoint, isNew);
      return;
    }
    const news = present.endpoint !== endpoint || !present.listed;
    if (news && endpoint.standing === 'serving') present.transport.hurry?.();
    if (isAnother(present.endpoint, endpoint)) present.renew(this.#options.clock.now());
    present.update(endpoint, isNew);
    present.listed = true;
  }

  #add(endpoint: Endpoint, isNew: boolean): Member {
    const { transport: connectTo, slowStart } = this.#options;
    const transport = connectTo(endpoint.address, { minPingIntervalMs: endpoint.minPingIntervalMs });
    const member = new Member(endpoint, transport, slowStart);
    member.follow((state) => this.#onState(member, state));
    member.update(endpoint, isNew);
    this.#members.set(endpoint.instanceId, member);
    this.#watchHealth(member);
    return member;
  }

  #onState(member: Member, state: ConnectivityState): void {
    const { onState, onChange } = this.#options;
    onState(member, state, member.onState(state));
    member.health?.onState(state);
    // It was kept only because its connection stood.
    if (member.failed && !member.listed) this.#remove(member);
    onChange();
  }

  /** Health itself is told by no other. */
  #watchHealth(member: Member): void {
    const { service, clock, random, healthCheck, onChange } = this.#options;
    if (!healthCheck || service === HEALTH_SERVICE) return;
    const { transport } = member;
    member.health = new HealthWatch({ service, transport, clock, random, onWord: onChange });
    if (transport.state === 'ready') member.health.onState('ready');
  }

  /** An instance that didn't say goodbye is kept until its connection fails, too: the registry can only help. */
  #unlist(member: Member, departed: boolean): void {
    member.listed = false;
    if (departed || member.failed) this.#remove(member);
  }

  #remove(member: Member): void {
    member.unfollow();
    member.transport.close();
    this.#members.delete(member.endpoint.instanceId);
  }
}

/** Whether another process has taken the place of the one that was known. */
function isAnother({ incarnation: before }: Endpoint, { incarnation }: Endpoint): boolean {
  return before !== 0 && incarnation !== 0 && before !== incarnation;
}

/** So many that have gone are remembered. */
const FORMER_LIMIT = 1_000;

/** Tells the processes that have just come from those that a client found running, or has known before. */
export class Arrivals {
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
