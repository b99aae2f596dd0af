import { roundRobin } from '../balancer/index.js';
import type { Random } from '../clock/index.js';
import type { Endpoint, Resolution, ResolverListener } from '../resolver/index.js';
import { RpcError, Status } from '../status/index.js';
import type { Transport, TransportFactory } from '../transport/index.js';

/** An endpoint with the connection to it. */
export interface Member {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
}

interface TrackedMember extends Member {
  endpoint: Endpoint;
  /** Whether the resolver still names it. */
  listed: boolean;
  wasReady: boolean;
  /** Whether its connection broke or couldn't be made, and hasn't stood since. */
  failed: boolean;
  readonly unsubscribe: () => void;
}

/** What a group is made from. */
export interface EndpointGroupOptions {
  readonly service: string;
  /** Where its endpoints come from, for messages. */
  readonly source: string;
  readonly transport: TransportFactory;
  readonly random: Random;
}

/** Up to this many endpoints are connected before a call needs them. */
const CONNECT_EARLY_LIMIT = 16;

/** The endpoints of one service: keeps their connections and picks one a call. */
export class EndpointGroup implements ResolverListener {
  readonly #options: EndpointGroupOptions;
  readonly #picker;
  readonly #members = new Map<string, TrackedMember>();
  #eligible: readonly Member[] = [];
  #resolved = false;
  #closed = false;
  #failure: string | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: EndpointGroupOptions) {
    this.#options = options;
    this.#picker = roundRobin(options.random);
  }

  /** Resolves once something is known: at once, unless it's the first call. */
  known(): Promise<void> | undefined {
    if (this.#resolved || this.#closed || this.#failure !== undefined) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * An endpoint that isn't among `tried`, in turn; one that is connected, or has never failed to. Where there is none,
   * one that is just being connected again; undefined where even that is missing.
   *
   * @throws RpcError `UNAVAILABLE` where no instance is known at all.
   */
  pick(tried: readonly Member[]): Member | undefined {
    if (this.#members.size === 0) throw this.#nobody();
    if (tried.length === 0 && this.#eligible.length > 0) return this.#picker.pick(this.#eligible);
    const untried = this.#eligible.filter((member) => !tried.includes(member));
    if (untried.length > 0) return this.#picker.pick(untried);
    const reconnecting = ({ endpoint, transport }: Member) => endpoint.serving && transport.state === 'connecting';
    return [...this.#members.values()].find((member) => reconnecting(member) && !tried.includes(member));
  }

  /** All endpoints there are. */
  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  onResolution({ endpoints, departed }: Resolution): void {
    if (this.#closed) return;
    const listed = new Map(endpoints.map((endpoint) => [endpoint.instanceId, endpoint]));
    for (const [id, member] of this.#members) {
      const next = listed.get(id);
      if (next === undefined) this.#unlist(member, departed.includes(id));
      else if (next.address !== member.endpoint.address) this.#remove(member);
    }
    for (const endpoint of listed.values()) this.#list(endpoint);
    if (this.#members.size <= CONNECT_EARLY_LIMIT) this.#connectAll();
    this.#resolved = true;
    this.#changed();
  }

  onFailure(reason: string): void {
    this.#failure = reason;
    this.#wake();
  }

  onPending(): void {
    this.#failure = undefined;
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
      present.endpoint = endpoint;
      present.listed = true;
      return;
    }
    const transport = this.#options.transport(endpoint.address);
    const unsubscribe = transport.subscribe((state) => {
      if (state === 'ready') member.failed = false;
      else if (state === 'transient_failure' || member.wasReady) member.failed = true;
      member.wasReady = state === 'ready';
      // It was kept only because its connection stood.
      if (member.failed && !member.listed) this.#remove(member);
      this.#changed();
    });
    const member: TrackedMember = { endpoint, transport, unsubscribe, listed: true, failed: false, wasReady: false };
    this.#members.set(endpoint.instanceId, member);
  }

  /** An instance that didn't say goodbye is kept while its connection stands: the registry can only help. */
  #unlist(member: TrackedMember, departed: boolean): void {
    member.listed = false;
    if (departed || member.transport.state !== 'ready') this.#remove(member);
  }

  #remove(member: TrackedMember): void {
    member.unsubscribe();
    member.transport.close();
    this.#members.delete(member.endpoint.instanceId);
  }

  #connectAll(): void {
    for (const { transport } of this.#members.values()) {
      // Whoever calls it learns of a failure; until then it is no news.
      if (transport.state === 'idle') transport.connect().catch(() => undefined);
    }
  }

  #changed(): void {
    this.#eligible = [...this.#members.values()].filter(({ endpoint, failed }) => endpoint.serving && !failed);
    if (this.#resolved) this.#wake();
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

/** What a call gets that comes, or would be tried again, too late. */
export function channelClosed(): RpcError {
  return new RpcError(Status.UNAVAILABLE, 'the channel is closed');
}
