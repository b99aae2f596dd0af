import type { Clock, Random, Timer } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import type { Endpoint, Resolution, ResolverListener } from '../resolver/index.js';
import { RpcError, Status } from '../status/index.js';
import type { TransportFactory } from '../transport/index.js';
import { Member } from './member.js';
import type { Refusal } from './refusals.js';
import { connect, Selection } from './selection.js';

/** What a group is made from. */
export interface EndpointGroupOptions {
  readonly service: string;
  /** Where its endpoints come from, for messages. */
  readonly source: string;
  readonly transport: TransportFactory;
  readonly clock: Clock;
  readonly random: Random;
}

/** Up to this many endpoints are connected before a call needs them. */
const CONNECT_EARLY_LIMIT = 16;

/**
 * How long the first calls wait, once one endpoint of a small group is connected, for the others that began to connect
 * with it: so that they are shared out evenly. Milliseconds.
 */
const FIRST_CONNECTIONS_MS = 50;

/** The endpoints of one service: keeps their connections and picks one a call. */
export class EndpointGroup implements ResolverListener {
  readonly #options: EndpointGroupOptions;
  readonly #selection: Selection;
  readonly #members = new Map<string, TrackedMember>();
  #resolved = false;
  #closed = false;
  #failure: string | undefined;
  #waiting: (() => void)[] = [];
  /** Settles at the next change. */
  #next: Signal | undefined;
  #opening: 'no' | 'connecting' | Timer = 'no';

  constructor(options: EndpointGroupOptions) {
    this.#options = options;
    this.#selection = new Selection(options);
  }

  /** Resolves once something is known: at once, unless it's the first call. */
  known(): Promise<void> | undefined {
    if (this.#resolved || this.#closed || this.#failure !== undefined) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves at the next change of what can be picked. */
  changed(): Promise<void> {
    this.#next ??= createSignal();
    return this.#next.promise;
  }

  /**
   * An endpoint for a call of `method` that isn't among `tried`, connected; undefined where there is none.
   *
   * @throws RpcError `UNAVAILABLE` where no instance is known at all.
   */
  pick(method: Method, tried: readonly Member[]): Member | undefined {
    if (this.#members.size === 0) throw this.#nobody();
    return this.#opening === 'no' ? this.#selection.pick(method, tried) : undefined;
  }

  /** The endpoints of which one may be picked after a change: none, where waiting is for nothing. */
  coming(method: Method, tried: readonly Member[]): readonly Member[] {
    return this.#selection.coming(method, tried);
  }

  /** Whether all that serve refuse calls of this method. */
  refusedByAll(method: Method): boolean {
    return this.#selection.refusedByAll(method);
  }

  /** All endpoints there are. */
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Notes that a member has answered a call. */
  onAnswer({ refusals }: Member, { path }: Method): void {
    if (refusals.clear(path)) this.#changed();
  }

  /** Notes that a member has refused one. */
  onRefusal({ refusals }: Member, { path }: Method, refusal: Refusal): void {
    refusals.note(path, refusal, this.#options.clock.now());
    this.#changed();
  }

  onResolution({ endpoints, departed }: Resolution): void {
    if (this.#closed) return;
    const listed = new Map(endpoints.map((endpoint) => [endpoint.instanceId, endpoint]));
    for (const [id, member] of this.#members) {
      const next = listed.get(id);
      if (next === undefined) this.#unlist(member, departed.includes(id));
      else if (next.address !== member.endpoint.address) this.#remove(member);
    }
    const first = this.#members.size === 0;
    for (const endpoint of listed.values()) this.#list(endpoint);
    this.#resolved = true;
    if (this.#members.size <= CONNECT_EARLY_LIMIT) this.#connectAll(first);
    this.#changed();
  }

  onFailure(reason: string): void {
    this.#failure = reason;
    this.#wake();
  }

  onPending(): void {
    this.#failure = undefined;
    if (this.#members.size === 0) this.#resolved = false;
  }

  /** No more picks: calls that wait for one fail. */
  close(): void {
    this.#closed = true;
    for (const member of this.#members.values()) this.#remove(member);
    this.#changed();
    this.#wake();
  }

  #list(endpoint: Endpoint): void {
    const present = this.#members.get(endpoint.instanceId);
    if (present !== undefined) {
      const news = present.endpoint !== endpoint || !present.listed;
      if (news && endpoint.standing === 'serving') present.transport.hurry?.();
      present.endpoint = endpoint;
      present.listed = true;
      return;
    }
    const { transport: connectTo, clock } = this.#options;
    const transport = connectTo(endpoint.address, { minPingIntervalMs: endpoint.minPingIntervalMs });
    const unsubscribe = transport.subscribe((state) => {
      member.onState(state, clock.now());
      // It was kept only because its connection stood.
      if (member.failed && !member.listed) this.#remove(member);
      this.#changed();
    });
    const member: TrackedMember = Object.assign(new Member(endpoint, transport), { unsubscribe });
    this.#members.set(endpoint.instanceId, member);
  }

  /** An instance that didn't say goodbye is kept until its connection fails, too: the registry can only help. */
  #unlist(member: TrackedMember, departed: boolean): void {
    member.listed = false;
    if (departed || member.failed) this.#remove(member);
  }

  #remove(member: TrackedMember): void {
    member.unsubscribe();
    member.transport.close();
    this.#members.delete(member.endpoint.instanceId);
  }

  #connectAll(first: boolean): void {
    if (first) this.#opening = 'connecting';
    for (const member of this.#members.values()) if (member.transport.state === 'idle') connect(member);
  }

  #changed(): void {
    this.#selection.update(this.#members.values());
    this.#open();
    if (this.#resolved) this.#wake();
    this.#next?.resolve();
    this.#next = undefined;
  }

  /** Lets the first calls go, once no connection is being made any more, or soon after the first that is. */
  #open(): void {
    if (this.#opening === 'no') return;
    const members = this.members;
    if (!members.some(({ coming }) => coming)) this.#opened();
    else if (this.#opening === 'connecting' && members.some(({ ready }) => ready)) {
      const { clock } = this.#options;
      this.#opening = clock.setTimer(FIRST_CONNECTIONS_MS, () => this.#opened(), { keepAlive: false });
    }
  }

  #opened(): void {
    if (typeof this.#opening === 'object') this.#opening.cancel();
    this.#opening = 'no';
    this.#next?.resolve();
    this.#next = undefined;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #nobody(): RpcError {
    if (this.#closed) return channelClosed();
    const { service, source } = this.#options;
    const message = this.#resolved
      ? `no instance of ${service} is registered with ${source}; start one, or check the service's name`
      : `no instance of ${service} is known, as ${source} can't be reached (${this.#failure}); start it, or set RONDO_REGISTRY to where it is`;
    return new RpcError(Status.UNAVAILABLE, message);
  }
}

interface TrackedMember extends Member {
  readonly unsubscribe: () => void;
}

interface Signal {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function createSignal(): Signal {
  let settle: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { promise, resolve: () => settle() };
}

/** What a call gets that comes, or would be tried again, too late. */
export function channelClosed(): RpcError {
  return new RpcError(Status.UNAVAILABLE, 'the channel is closed');
}
