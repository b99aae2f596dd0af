import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, WallClock } from '@rondo/rpc/clock';
import {
  decideAdmission,
  REFUSAL_SHOWN_TTLS,
  type RegisterOptions,
  toRefusedRegistration,
} from '../../domain/admission.js';
import { InstanceNotFound, LeaseNotFound, LimitReached } from '../../domain/errors.js';
import { type Instance, type InstanceChange, type Registration, refuseTooLarge } from '../../domain/instance.js';
import { isSameToken, type Lease } from '../../domain/lease.js';
import { type TotalLimits, TTL } from '../../domain/limits.js';
import {
  type InstancePage,
  type InstanceQuery,
  newEpoch,
  type OperatorStateChange,
  type OperatorStateList,
  type Position,
  type Registered,
  type RegistryStore,
  type Renewed,
  type ServiceList,
  type StoreCounts,
  type Updated,
  type WatchEvent,
  type WatchQuery,
} from '../../domain/store.js';
import { Catalog } from '../catalog/catalog.js';
import { listInstances, listServices, onWallClock } from '../catalog/lists.js';
import { logGuard, type StoreOptions } from '../catalog/store-options.js';
import { Warming } from '../catalog/warming.js';
import { Watches } from '../catalog/watch.js';
import { OperatorStates, RecentRefusals, Tombstones } from './instance-records.js';
import { type Grant, Leases } from './leases.js';

/**
 * A store in the memory of this process. It starts empty and warming, in an epoch of its own.
 *
 * Every method does its work before its first `await`, so calls take effect one after the other.
 */
export class MemoryStore implements RegistryStore {
  readonly #clock: Clock;
  readonly #wallClock: WallClock;
  readonly #log: Logger;
  readonly #limits: TotalLimits;
  readonly #catalog: Catalog;
  readonly #leases: Leases;
  readonly #warming: Warming;
  readonly #watches: Watches;
  readonly #operatorStates: OperatorStates;
  readonly #tombstones: Tombstones;
  readonly #refusals = new RecentRefusals();

  constructor(options: StoreOptions) {
    const { clock, wallClock, random, log, limits, warmingMs = TTL.defaultMs, watchRestMs: restMs = 0 } = options;
    const catalog = new Catalog({
      epoch: newEpoch(wallClock.now().getTime(), random.next()),
      removalsKept: options.removalsKept,
    });
    const warming = new Warming(clock, warmingMs, () => catalog.raiseCompactionFloor());
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#log = log;
    this.#limits = limits;
    this.#catalog = catalog;
    this.#warming = warming;
    this.#operatorStates = new OperatorStates(limits.cordoned);
    this.#tombstones = new Tombstones(limits.instances);
    this.#leases = new Leases({
      clock,
      random,
      onExpired: (grant) => this.#expire(grant),
      onStall: ({ lateMs }) => log.warn({ lateMs }, 'the registry was away: leases get extra time to be renewed'),
      guard: logGuard(log),
    });
    this.#watches = new Watches({ catalog, clock, random, restMs, warming: () => warming.active }, limits.watches);
  }

  get counts(): StoreCounts {
    return {
      instances: this.#catalog.size,
      watches: this.#watches.size,
      heldExpiries: this.#leases.held,
      revisions: Number(this.#catalog.position.revision),
    };
  }

  async register(registration: Registration, ttlMs: number, options: RegisterOptions = {}): Promise<Registered> {
    const admission = this.#judge(registration, ttlMs, options);
    if (admission.kind === 'overtaken') return { leaseId: admission.by.leaseId, position: this.#catalog.position };
    this.#refuseAboveLimits(registration);
    const grant =
      admission.kind === 'repeat'
        ? this.#keep(admission.holder, registration, ttlMs)
        : this.#admit(registration, ttlMs, options);
    grant.identity ??= options.identity;
    this.#leases.advanceSequence(grant, options.sequence ?? 0n);
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
    refuseTooLarge(this.#instance(grant), change);
    const instance = this.#amend(grant, this.#leases.advanceSequence(grant, sequence) ? change : {});
    return { instance, position: this.#catalog.position };
  }

  async deregister({ leaseId, instanceId }: Lease, sequence = 0n): Promise<Position> {
    const grant = this.#leases.of(instanceId);
    if (grant !== undefined && isSameToken(grant.leaseId, leaseId)) {
      const nowMs = this.#clock.now();
      const { incarnation, secretHash, ttlMs } = grant;
      const tombstone = { incarnation, secretHash, sequence, leaseId, untilMs: nowMs + ttlMs };
      this.#tombstones.add(instanceId, tombstone, nowMs);
      this.#leases.end(grant);
      this.#refusals.forget(instanceId);
      this.#catalog.remove(instanceId, 'deregistered');
      this.#log.info({ instanceId }, 'instance deregistered');
    }
    return this.#catalog.position;
  }

  async setOperatorState(instanceId: string, change: OperatorStateChange): Promise<Position> {
    const instance = this.#catalog.get(instanceId);
    if (instance === undefined && !this.#operatorStates.has(instanceId)) throw new InstanceNotFound(instanceId);
    if (this.#operatorStates.set(instanceId, change, this.#wallClock.now().getTime())) {
      this.#log.info({ instanceId, state: change.state, reason: change.reason }, 'operator state set');
      if (instance !== undefined) this.#put(instance, {});
    }
    return this.#catalog.position;
  }

  async listOperatorStates(): Promise<OperatorStateList> {
    return { marks: this.#operatorStates.list(), position: this.#catalog.position };
  }

  async listServices(): Promise<ServiceList> {
    return listServices({ catalog: this.#catalog, warming: this.#warming });
  }

  async listInstances(query: InstanceQuery): Promise<InstancePage> {
    const refusals = {
      isEmpty: this.#refusals.isEmpty,
      of: (instanceId: string) => this.#refusals.of(instanceId, this.#clock.now()),
    };
    const lapses = onWallClock(this.#leases, { clock: this.#clock, wallClock: this.#wallClock });
    return listInstances({ catalog: this.#catalog, warming: this.#warming, lapses, refusals }, query);
  }

  watch(query: WatchQuery): AsyncIterable<WatchEvent> {
    return this.#watches.open(query);
  }

  async close(): Promise<void> {
    this.#watches.close();
    this.#leases.close();
    this.#warming.close();
  }

  /** Decides on a registration. If it is refused because another process holds the id, lists show that. */
  #judge(registration: Registration, ttlMs: number, options: RegisterOptions) {
    const { instanceId } = registration;
    const nowMs = this.#clock.now();
    const wallMs = this.#wallClock.now().getTime();
    const holder = this.#leases.of(instanceId);
    try {
      return decideAdmission(registration, options, {
        holder,
        tombstone: this.#tombstones.of(instanceId, nowMs),
        wallMs,
      });
    } catch (fault) {
      const refused = toRefusedRegistration(fault, registration, wallMs);
      if (refused !== undefined) this.#refusals.note(instanceId, refused, nowMs + REFUSAL_SHOWN_TTLS * ttlMs);
      throw fault;
    }
  }

  #refuseAboveLimits({ instanceId, services }: Registration): void {
    const instances = this.#catalog.size + (this.#catalog.get(instanceId) === undefined ? 1 : 0);
    if (instances > this.#limits.instances) throw new LimitReached('instances', this.#limits.instances);
    if (this.#catalog.servicesWith(services) > this.#limits.services) {
      throw new LimitReached('services', this.#limits.services);
    }
  }

  /** Grants a new lease for an instance id that has none, or only one of an earlier incarnation. */
  #admit(registration: Registration, ttlMs: number, { secretHash, identity }: RegisterOptions): Grant {
    const { instanceId, incarnation } = registration;
    const fields = { instanceId, incarnation: String(incarnation) };
    if (this.#leases.of(instanceId) === undefined) this.#log.info(fields, 'instance registered');
    else {
      // A draining process is replaced on purpose.
      const level = this.#catalog.get(instanceId)?.status === 'draining' ? 'info' : 'warn';
      this.#log[level](fields, 'instance taken over by a later incarnation');
    }
    this.#catalog.put(this.#withOperatorState(registration), this.#wallClock.now().getTime());
    this.#refusals.forget(instanceId);
    return this.#leases.grant({ instanceId, incarnation, secretHash, identity }, ttlMs);
  }

  /** Keeps the lease of the incarnation that holds it. So a registration whose reply was lost does no harm. */
  #keep(held: Grant, registration: Registration, ttlMs: number): Grant {
    this.#leases.renew(held, ttlMs);
    this.#amend(held, registration);
    return held;
  }

  #amend(grant: Grant, change: Partial<Registration>): Instance {
    return this.#put(this.#instance(grant), change);
  }

  #instance({ instanceId }: Grant): Instance {
    const instance = this.#catalog.get(instanceId);
    if (instance === undefined) throw new LeaseNotFound(instanceId);
    return instance;
  }

  #put(instance: Instance, change: Partial<Registration>): Instance {
    const after = this.#withOperatorState({ ...instance, ...change });
    if (isDeepStrictEqual(after, instance)) return instance;
    return this.#catalog.put(after, instance.registerTimeMs, this.#wallClock.now().getTime());
  }

  /** Adds the operator state of its id to a registration. */
  #withOperatorState<T extends Registration>(registration: T): T & Pick<Instance, 'operatorState'> {
    return { ...registration, operatorState: this.#operatorStates.stateOf(registration.instanceId) };
  }

  #expire({ instanceId, ttlMs }: Grant): void {
    this.#refusals.forget(instanceId);
    this.#catalog.remove(instanceId, 'expired');
    this.#log.warn({ instanceId, ttlMs }, 'instance expired: its lease was not renewed in time');
  }
}
