import { InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, createBackoff, type Random, type Timer } from '@rondo/rpc/clock';
import { createPause } from '../pause.js';
import { createState, follow, type Phase, type Readiness, type State } from '../state.js';
import {
  endLease,
  isDisplaced,
  isReported,
  type Lease,
  type LeaseOptions,
  type Registrant,
  type RegistryClient,
  type Reported,
  refreshLease,
  registryTimeOf,
} from './lease.js';
import type { RegistryLink } from './link.js';
import { createRegistrationLog } from './log.js';

export interface RegistrationOptions {
  readonly registry: RegistryClient;
  /** The connection to the registry, if it can break or switch to another registry; none by default. */
  readonly link?: RegistryLink;
  readonly instance: Registrant;
  /** Sent to the registry at every change. */
  readonly readiness: State<Readiness>;
  /** Sent to the registry at every change; that of `instance` by default. */
  readonly weight?: State<number>;
  /** How long the registry keeps the instance without a renewal. */
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A process's entry in the registry. */
export interface Registration {
  /**
   * Waits until the registry holds the current readiness. Resolves to false at once if the registry is unavailable, and
   * when `signal` aborts.
   */
  synced(signal: AbortSignal): Promise<boolean>;
  /** Stops renewing and deregisters. If that fails, the lease runs out. Never rejects. */
  close(): Promise<void>;
}

/**
 * The longest interval between renewals, however long the lease. A registry that starts empty then hears from every
 * instance within 10 s, as its contract promises.
 */
const MAX_RENEWAL_MS = 8_000;
/**
 * After a reconnect, an instance renews at a random time within this. A restarted registry then hears from all
 * instances soon, but not from all at once.
 */
const RECONNECT_SPREAD_MS = 1_000;
/** Size of the secret that proves that a repeated registration comes from this process. */
const SECRET_BYTES = 32;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;

/**
 * Registers an instance and keeps it registered for as long as the process runs. An unavailable or refusing registry
 * never stops the process from serving: the registration tries again. If another process holds the instance id, it
 * tries again after each TTL, and succeeds once the other process has ended.
 */
export function startRegistration(options: RegistrationOptions): Registration {
  return new LeaseKeeper(options);
}

/** Whether the registry answers, and the status that it holds; undefined if unknown. */
interface RegistryView {
  readonly reachable: boolean;
  readonly status: InstanceStatus | undefined;
}

class LeaseKeeper implements Registration {
  readonly #options: RegistrationOptions;
  readonly #startedAt: number;
  #leaseOptions: LeaseOptions;
  readonly #registrationLog;
  readonly #pause;
  readonly #backoff;
  readonly #registryView = createState<RegistryView>({ reachable: true, status: undefined });
  readonly #link: RegistryLink;
  readonly #unsubscribe: () => void;
  readonly #done: Promise<void>;
  /** Runs from a reconnect until the next call to the registry ends. */
  #reconnected: Timer | undefined;
  #lease: Lease | undefined;
  /** Whether the registry may have granted a lease by a registration whose answer didn't arrive. */
  #mayHold = false;
  /** When the last successful call that renewed the lease was made. */
  #renewedAt = 0;
  #sequence = 0n;
  /** Whether the incarnation was set by the registry's clock, and the registry hasn't accepted it yet. */
  #isAdjusted = false;
  #closing = false;

  constructor(options: RegistrationOptions) {
    const { registry, instance, ttlMs, clock, random, log, readiness } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#registrationLog = createRegistrationLog(log, instance.instanceId);
    const nextSequence = () => {
      this.#sequence += 1n;
      return this.#sequence;
    };
    const onForgotten = () => {
      this.#registrationLog.forgotten();
      this.#lease = undefined;
    };
    const secret = Buffer.from(random.hex(SECRET_BYTES), 'hex');
    this.#leaseOptions = { registry, instance, secret, ttlMs, nextSequence, onForgotten };
    this.#pause = createPause(clock);
    this.#backoff = createBackoff({ baseMs: RETRY_BASE_MS, maxMs: Math.min(ttlMs / 3, RETRY_MAX_MS), random });
    this.#link = options.link ?? SINGLE_REGISTRY;
    const unsubscribes = [
      readiness.subscribe(() => this.#pause.wake()),
      options.weight?.subscribe(() => this.#pause.wake()) ?? (() => undefined),
      this.#link.onReconnect(() => this.#onReconnect()),
    ];
    this.#unsubscribe = () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
      this.#reconnected?.cancel();
    };
    this.#done = this.#run();
  }

  async synced(signal: AbortSignal): Promise<boolean> {
    for await (const { reachable, status } of follow(this.#registryView, signal)) {
      if (!reachable) return false;
      if (status === this.#wanted.status) return true;
    }
    return false;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#unsubscribe();
    this.#pause.wake();
    await this.#done;
    try {
      const lease = this.#lease ?? (await this.#recoverLease());
      if (lease !== undefined) await this.#ask(() => endLease(lease, this.#leaseOptions));
    } catch (error) {
      this.#options.log.warn({ err: error }, "couldn't deregister: the lease will run out by itself");
    }
  }

  /** The lease that the registry may have granted: a repeated registration returns it. Undefined if there can be none. */
  async #recoverLease(): Promise<Lease | undefined> {
    if (!this.#mayHold) return undefined;
    return this.#ask(() => refreshLease(undefined, { ...this.#wanted, status: STATUS.draining }, this.#leaseOptions));
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      try {
        await this.#pause.wait(await this.#refresh());
      } catch (error) {
        if (isDisplaced(error)) await this.#waitForId(error);
        else if (!this.#adjustIncarnation(error)) {
          this.#onFailure(error);
          await this.#pause.wait(this.#backoff.nextMs());
        }
      }
    }
  }

  /**
   * Another process holds the instance id and its lease, and keeps both as long as it lives: this one asks once per TTL with the
   * earlier incarnation, and if it held a lease, also at once, so that the registry can report the duplicate. While it drains, it
   * doesn't ask: the other process is its successor.
   */
  async #waitForId(error: unknown): Promise<void> {
    const { clock, ttlMs, readiness } = this.#options;
    const leaves = readiness.current.phase === 'draining';
    if (!leaves) this.#registrationLog.displaced(error);
    this.#registryView.set({ reachable: false, status: undefined });
    const hadLease = this.#lease !== undefined;
    this.#lease = undefined;
    this.#mayHold = false;
    if (hadLease && !leaves) return;
    const untilMs = clock.now() + ttlMs;
    // A change of readiness or a reconnect ends the pause; neither frees the id.
    while (!this.#closing && clock.now() < untilMs) await this.#pause.wait(untilMs - clock.now());
  }

  /**
   * If the registry refuses this process's incarnation as ahead of its clock, takes the start time by the registry's
   * clock. Returns whether it did.
   */
  #adjustIncarnation(error: unknown): boolean {
    const registryMs = registryTimeOf(error);
    if (registryMs === undefined || this.#isAdjusted) return false;
    const { instance } = this.#leaseOptions;
    const ranMs = this.#options.clock.now() - this.#startedAt;
    const incarnation = BigInt(Math.max(1, Math.floor(registryMs - ranMs)));
    if (incarnation >= instance.incarnation) return false;
    this.#registrationLog.adjusted(Number(instance.incarnation - incarnation));
    this.#leaseOptions = { ...this.#leaseOptions, instance: { ...instance, incarnation } };
    this.#isAdjusted = true;
    return true;
  }

  /** Makes one call; returns the delay until the next one, in milliseconds. */
  async #refresh(): Promise<number> {
    const known = this.#lease;
    const wanted = this.#wanted;
    // Until the registry answers, what it holds is unknown. If no answer comes, the next call sends all again.
    if (known !== undefined && !isReported(known, wanted)) {
      this.#lease = { ...known, status: InstanceStatus.INSTANCE_STATUS_UNSPECIFIED };
    }
    const { clock, random } = this.#options;
    const calledAt = clock.now();
    this.#mayHold = true;
    const lease = await this.#ask(() => refreshLease(known, wanted, this.#leaseOptions));
    this.#lease = lease;
    this.#isAdjusted = false;
    this.#reconnected?.cancel();
    // An update doesn't renew the lease: frequent changes of readiness must not delay the renewal.
    if (lease.id !== known?.id || isReported(known, lease)) this.#renewedAt = calledAt;
    this.#backoff.reset();
    this.#registrationLog.reached();
    this.#registryView.set({ reachable: true, status: lease.status });
    const renewInMs = Math.min(lease.ttlMs / 3, MAX_RENEWAL_MS) * (0.8 + 0.2 * random.next());
    return Math.max(0, this.#renewedAt + renewInMs - clock.now());
  }

  /** Calls the current registry; if that fails, the others at once. */
  async #ask<T>(call: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await call();
        this.#link.settle();
        return answer;
      } catch (error) {
        if (isDisplaced(error) || registryTimeOf(error) !== undefined || !this.#link.search()) throw error;
      }
    }
  }

  #onReconnect(): void {
    const { clock, random } = this.#options;
    this.#reconnected?.cancel();
    this.#reconnected = clock.setTimer(random.next() * RECONNECT_SPREAD_MS, () => this.#pause.wake());
  }

  #onFailure(error: unknown): void {
    this.#isAdjusted = false;
    this.#registrationLog.failed(error);
    this.#registryView.set({ reachable: false, status: undefined });
  }

  get #wanted(): Reported {
    const { readiness, weight, instance } = this.#options;
    return { status: STATUS[readiness.current.phase], weight: weight?.current ?? instance.weight };
  }
}

/** A link to a single registry that never reconnects. */
const SINGLE_REGISTRY: RegistryLink = {
  settle: () => undefined,
  search: () => false,
  onReconnect: () => () => undefined,
};

const STATUS: Readonly<Record<Phase, InstanceStatus>> = {
  starting: InstanceStatus.INSTANCE_STATUS_STARTING,
  serving: InstanceStatus.INSTANCE_STATUS_SERVING,
  draining: InstanceStatus.INSTANCE_STATUS_DRAINING,
};
