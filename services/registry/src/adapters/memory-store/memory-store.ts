import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, WallClock } from '@rondo/rpc/clock';
import { judge, type RegisterOptions, TOLD_TTLS, toRefused } from '../../domain/admission.js';
import { InstanceNotFound, LeaseNotFound, LimitReached } from '../../domain/errors.js';
import { type Instance, type InstanceChange, type Registration, refuseTooLarge } from '../../domain/instance.js';
import type { Lease } from '../../domain/lease.js';
import { type TotalLimits, TTL } from '../../domain/limits.js';
import { newEpoch, type Position } from '../../domain/position.js';
import { isSameToken, type SecretHash } from '../../domain/secret.js';
import type {
  InstancePage,
  InstanceQuery,
  OperatorMarks,
  OperatorWish,
  Registered,
  RegistryStore,
  Renewed,
  ServiceList,
  StoreCounts,
  Updated,
  WatchQuery,
} from '../../domain/store.js';
import type { WatchEvent } from '../../domain/watch-event.js';
import { Catalog } from '../catalog/catalog.js';
import { listInstances, listServices, onWallClock } from '../catalog/lists.js';
import type { StoreOptions } from '../catalog/store-options.js';
import { Warming } from '../catalog/warming.js';
import { Watches } from '../catalog/watches.js';
import { logGuard } from '../guard-log.js';
import { Goodbyes } from './goodbyes.js';
import { type Grant, Leases } from './leases.js';
import { Marks } from './marks.js';
import { Refusals } from './refusals.js';

/**
 * A store in this process's memory: it starts empty and warming, in an epoch of its own.
 *
 * Every method does its work before it first waits, so that calls take effect one after the other.
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
  readonly #marks: Marks;
  readonly #goodbyes: Goodbyes;
  readonly #refusals = new Refusals();

  constructor(options: StoreOptions) {
    const { clock, wallClock, random, log, limits, warmingMs = TTL.defaultMs, watchRestMs: restMs = 0 } = options;
    const catalog = new Catalog({
      epoch: newEpoch(wallClock.now().getTime(), random.next()),
      removalsKept: options.removalsKept,
    });
    const warming = new Warming(clock, warmingMs, () => catalog.restartHistory());
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#log = log;
    this.#limits = limits;
    this.#catalog = catalog;
    this.#warming = warming;
    this.#marks = new Marks(limits.cordoned);
    this.#goodbyes = new Goodbyes(limits.instances);
    this.#leases = new Leases({
      clock,
      random,
      onExpired: (grant) => this.#expire(grant),
      onStall: ({ lateMs }) => log.warn({ lateMs }, 'the registry was away: leases are given time to be renewed'),
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
        : this.#admit(registration, ttlMs, options.secretHash);
    this.#leases.take(grant, options.sequence ?? 0n);
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
    const instance = this.#amend(grant, this.#leases.take(grant, sequence) ? change : {});
    return { instance, position: this.#catalog.position };
  }

  async deregister({ leaseId, instanceId }: Lease, sequence = 0n): Promise<Position> {
    const grant = this.#leases.of(instanceId);
    if (grant !== undefined && isSameToken(grant.leaseId, leaseId)) {
      const nowMs = this.#clock.now();
      const { incarnation, secretHash, ttlMs } = grant;
      const goodbye = { incarnation, secretHash, sequence, leaseId, untilMs: nowMs + ttlMs };
      this.#goodbyes.add(instanceId, goodbye, nowMs);
      this.#leases.end(grant);
      this.#refusals.forget(instanceId);
      this.#catalog.remove(instanceId, 'deregistered');
      this.#log.info({ instanceId }, 'instance deregistered');
    }
    return this.#catalog.position;
  }

  async setOperatorState(instanceId: string, wish: OperatorWish): Promise<Position> {
    const instance = this.#catalog.get(instanceId);
    if (instance === undefined && !this.#marks.has(instanceId)) throw new InstanceNotFound(instanceId);
    if (this.#marks.set(instanceId, wish, this.#wallClock.now().getTime())) {
      this.#log.info({ instanceId, state: wish.state, reason: wish.reason }, 'operator state set');
      if (instance !== undefined) this.#put(instance, {});
    }
    return this.#catalog.position;
  }

  async listOperatorStates(): Promise<OperatorMarks> {
    return { marks: this.#marks.list(), position: this.#catalog.position };
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
    return this.#watches.follow(query);
  }

  async close(): Promise<void> {
    this.#watches.close();
    this.#leases.close();
    this.#warming.close();
  }

  /** A refusal that has to do with another process is remembered, so that lists tell of it. */
  #judge(registration: Registration, ttlMs: number, options: RegisterOptions) {
    const { instanceId } = registration;
    const nowMs = this.#clock.now();
    const wallMs = this.#wallClock.now().getTime();
    const holder = this.#leases.of(instanceId);
    try {
      return judge(registration, options, { holder, goodbye: this.#goodbyes.of(instanceId, nowMs), wallMs });
    } catch (fault) {
      const refused = toRefused(fault, registration, wallMs);
      if (refused !== undefined) this.#refusals.note(instanceId, refused, nowMs + TOLD_TTLS * ttlMs);
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

  /** A new lease for an instance id that has none, or one of an earlier incarnation. */
  #admit(registration: Registration, ttlMs: number, secretHash: SecretHash | undefined): Grant {
    const { instanceId, incarnation } = registration;
    const fields = { instanceId, incarnation: String(incarnation) };
    if (this.#leases.of(instanceId) === undefined) this.#log.info(fields, 'instance registered');
    else this.#log.warn(fields, 'instance taken over by a later incarnation');
    this.#catalog.put(this.#marked(registration), this.#wallClock.now().getTime());
    this.#refusals.forget(instanceId);
    return this.#leases.grant({ instanceId, incarnation, secretHash }, ttlMs);
  }

  /** The same lease for the incarnation that holds it: a registration whose reply was lost does no harm. */
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
    const after = this.#marked({ ...instance, ...change });
    return isDeepStrictEqual(after, instance) ? instance : this.#catalog.put(after, instance.registerTimeMs);
  }

  /** A registration with what an operator has set for it. */
  #marked<T extends Registration>(registration: T): T & Pick<Instance, 'operatorState'> {
    return { ...registration, operatorState: this.#marks.stateOf(registration.instanceId) };
  }

  #expire({ instanceId, ttlMs }: Grant): void {
    this.#refusals.forget(instanceId);
    this.#catalog.remove(instanceId, 'expired');
    this.#log.warn({ instanceId, ttlMs }, 'instance expired: its lease was not renewed in time');
  }
}
