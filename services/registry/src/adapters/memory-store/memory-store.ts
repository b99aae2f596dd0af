import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random } from '@rondo/rpc/clock';
import { InstanceNotFound, InstanceTakenOver, LeaseNotFound, LimitReached } from '../../domain/errors.js';
import type { Instance, InstanceChange, OperatorMark, Registration } from '../../domain/instance.js';
import type { Lease } from '../../domain/lease.js';
import { type TotalLimits, TTL } from '../../domain/limits.js';
import type { Position } from '../../domain/position.js';
import type {
  InstancePage,
  InstanceQuery,
  OperatorMarks,
  OperatorWish,
  Registered,
  RegistryStore,
  Renewed,
  ServiceList,
  Updated,
  WatchQuery,
} from '../../domain/store.js';
import type { WatchEvent } from '../../domain/watch-event.js';
import { Catalog } from './catalog.js';
import { type Grant, Leases } from './leases.js';
import { Warming } from './warming.js';
import { Watches } from './watches.js';

/** What a memory store is made from. */
export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: TotalLimits;
  /** How long after its start it says that instances may still come back; 0 for not at all. */
  readonly warmingMs?: number;
  /** How many removals it remembers for watches that resume, each counted once for every service of its instance. */
  readonly removalsKept?: number;
}

const DEFAULT_REMOVALS_KEPT = 50_000;

/**
 * A store in this process's memory: it starts empty and warming, and its epoch is the time of its start.
 *
 * Every method does its work before it first waits, so that calls take effect one after the other.
 */
export class MemoryStore implements RegistryStore {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: TotalLimits;
  readonly #catalog: Catalog;
  readonly #leases: Leases;
  readonly #warming: Warming;
  readonly #watches: Watches;
  readonly #marks = new Map<string, OperatorMark>();

  constructor(options: MemoryStoreOptions) {
    const { clock, random, log, limits, warmingMs = TTL.defaultMs, removalsKept = DEFAULT_REMOVALS_KEPT } = options;
    const catalog = new Catalog({ epoch: BigInt(Math.floor(clock.now())), removalsKept });
    const warming = new Warming(clock, warmingMs, () => catalog.restartHistory());
    this.#clock = clock;
    this.#log = log;
    this.#limits = limits;
    this.#catalog = catalog;
    this.#warming = warming;
    this.#leases = new Leases({ clock, random, onExpired: (grant) => this.#expire(grant) });
    this.#watches = new Watches({ catalog, clock, random, warming: () => warming.active }, limits.watches);
  }

  async register(registration: Registration, ttlMs: number, sequence = 0n): Promise<Registered> {
    const { instanceId, incarnation } = registration;
    const held = this.#leases.of(instanceId);
    if (held !== undefined && held.incarnation > incarnation) {
      throw new InstanceTakenOver(instanceId, held.incarnation);
    }
    this.#refuseAboveLimits(registration);
    const grant = held?.incarnation === incarnation ? held : this.#admit(registration, ttlMs);
    if (this.#leases.take(grant, sequence) && grant === held) this.#keep(held, registration, ttlMs);
    return { leaseId: grant.leaseId, position: this.#catalog.position };
  }

  async renew(lease: Lease): Promise<Renewed> {
    const grant = this.#leases.find(lease);
    const { ttlMs } = grant;
    this.#leases.renew(grant, ttlMs);
    return { ttlMs, position: this.#catalog.position };
  }

  async update(lease: Lease, change: InstanceChange, sequence = 0n): Promise<Updated> {
    const grant = this.#leases.find(lease);
    const instance = this.#amend(grant.instanceId, this.#leases.take(grant, sequence) ? change : {});
    return { instance, position: this.#catalog.position };
  }

  async deregister({ leaseId, instanceId }: Lease): Promise<Position> {
    const grant = this.#leases.of(instanceId);
    if (grant?.leaseId === leaseId) {
      this.#leases.end(grant);
      this.#catalog.remove(instanceId, 'deregistered');
      this.#log.info({ instanceId }, 'instance deregistered');
    }
    return this.#catalog.position;
  }

  async setOperatorState(instanceId: string, { state, reason }: OperatorWish): Promise<Position> {
    const instance = this.#catalog.get(instanceId);
    const present = this.#marks.get(instanceId);
    if (instance === undefined && present === undefined) throw new InstanceNotFound(instanceId);
    if (state === 'none') this.#marks.delete(instanceId);
    else if (present === undefined && this.#marks.size >= this.#limits.cordoned) {
      throw new LimitReached('cordoned', this.#limits.cordoned);
    } else this.#marks.set(instanceId, { instanceId, state, reason, setTimeMs: this.#clock.now() });
    if (instance !== undefined) this.#amend(instanceId, {});
    return this.#catalog.position;
  }

  async listOperatorStates(): Promise<OperatorMarks> {
    const marks = [...this.#marks.values()].sort((one, other) => (one.instanceId < other.instanceId ? -1 : 1));
    return { marks, position: this.#catalog.position };
  }

  async listServices(): Promise<ServiceList> {
    const services = [...this.#catalog.services()].sort((one, other) => (one.service < other.service ? -1 : 1));
    return { services, ...this.#now() };
  }

  async listInstances({ service, afterId, pageSize }: InstanceQuery): Promise<InstancePage> {
    const page = this.#catalog.view(service)?.page(afterId, pageSize) ?? { instances: [], more: false };
    return { ...page, ...this.#now() };
  }

  watch(query: WatchQuery): AsyncIterable<WatchEvent> {
    return this.#watches.follow(query);
  }

  async close(): Promise<void> {
    this.#watches.close();
    this.#leases.close();
    this.#warming.close();
  }

  #now() {
    return { position: this.#catalog.position, warming: this.#warming.active };
  }

  #refuseAboveLimits({ instanceId, services }: Registration): void {
    const instances = this.#catalog.size + (this.#catalog.get(instanceId) === undefined ? 1 : 0);
    if (instances > this.#limits.instances) throw new LimitReached('instances', this.#limits.instances);
    if (this.#catalog.servicesWith(services) > this.#limits.services) {
      throw new LimitReached('services', this.#limits.services);
    }
  }

  /** A new lease for an instance id that has none, or one of an earlier incarnation. */
  #admit(registration: Registration, ttlMs: number): Grant {
    const { instanceId, incarnation } = registration;
    const fields = { instanceId, incarnation: String(incarnation) };
    if (this.#leases.of(instanceId) === undefined) this.#log.info(fields, 'instance registered');
    else this.#log.warn(fields, 'instance taken over by a later incarnation');
    this.#catalog.put(this.#marked(registration), this.#clock.now());
    return this.#leases.grant(instanceId, incarnation, ttlMs);
  }

  /** The same lease for the incarnation that holds it: a registration whose reply was lost does no harm. */
  #keep(held: Grant, registration: Registration, ttlMs: number): void {
    this.#leases.renew(held, ttlMs);
    this.#amend(registration.instanceId, registration);
  }

  #amend(instanceId: string, change: Partial<Registration>): Instance {
    const instance = this.#catalog.get(instanceId);
    if (instance === undefined) throw new LeaseNotFound(instanceId);
    const changed = this.#marked({ ...instance, ...change });
    return isDeepStrictEqual(changed, instance) ? instance : this.#catalog.put(changed, instance.registerTimeMs);
  }

  /** A registration with what an operator has set for it. */
  #marked<T extends Registration>(registration: T): T & Pick<Instance, 'operatorState'> {
    return { ...registration, operatorState: this.#marks.get(registration.instanceId)?.state ?? 'none' };
  }

  #expire({ instanceId, ttlMs }: Grant): void {
    this.#catalog.remove(instanceId, 'expired');
    this.#log.warn({ instanceId, ttlMs }, 'instance expired: its lease was not renewed in time');
  }
}
