import { InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random, Timer } from '@rondo/rpc/clock';
import { createState, follow, type State, type Phase, type Readiness } from '../state.js';
import { createBackoff, createPause } from '../time.js';
import { refreshLease, type Lease, type LeaseOptions, type Registrant, type RegistryClient, endLease, isDisplaced, registryTimeOf } from './lease.js';
import type { RegistryLink } from './link.js';
import { createRegistrationLog } from './log.js';

/** What a registration is made from. */
export interface RegistrationOptions {
  readonly registry: RegistryClient;
  /** The way to that registry, where it can break, or lead to another; none by default. */
  readonly link?: RegistryLink;
  readonly instance: Registrant;
  /** What the registry is told of, at every change. */
  readonly readiness: State<Readiness>;
  /** How long the registry keeps the instance without a renewal. */
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A process's place in the registry. */
export interface Registration {
  /**
   * Waits until the registry knows how ready the process is now; false at once where the registry is away, or when
   * `signal` aborts.
   */
  told(signal: AbortSignal): Promise<boolean>;
  /** Stops renewing and says goodbye; where that fails, the lease runs out by itself. Never rejects. */
  close(): Promise<void>;
}

/**
 * No renewal comes later, however long the lease: a registry that starts empty hears of everybody within 10 s, as
 * its contract has it.
 */
const MAX_RENEWAL_MS = 8_000;
/**
 * A connection that is back is used within this time, so that a registry which starts again hears soon of everybody, but
 * not of all at one instant.
 */
const RECONNECT_SPREAD_MS = 1_000;
/** Of what shows that a registration which is repeated is this process's. */
const SECRET_BYTES = 32;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;

/**
 * Registers an instance and keeps it registered, by itself and for as long as it runs. The registry can only help: one that
 * is away, or refuses, is tried again and keeps no process from serving. Where another process holds the instance id, it is
 * tried again after each TTL: once that one has ended, this one is registered again.
 */
export function startRegistration(options: RegistrationOptions): Registration {
  return new LeaseKeeper(options);
}

interface RegistryView {
  readonly reachable: boolean;
  readonly status: InstanceStatus | undefined;
}

class LeaseKeeper implements Registration {
  readonly #options: RegistrationOptions;
  readonly #startedAt: number;
  #leaseOptions: LeaseOptions;
  readonly #standing;
  readonly #pause;
  readonly #backoff;
  readonly #outcome = createState<RegistryView>({ reachable: true, status: undefined });
  readonly #link: RegistryLink;
  readonly #unsubscribe: () => void;
  readonly #done: Promise<void>;
  /** Runs from a reconnect until the registry is heard of, or asked. */
  #reconnected: Timer | undefined;
  #lease: Lease | undefined;
  /** When the registry was last asked for a whole TTL, by a call that it answered. */
  #renewedAt = 0;
  #sequence = 0n;
  /** Whether its start was set by the registry's clock, and the registry hasn't answered since. */
  #isAdjusted = false;
  #closing = false;

  constructor(options: RegistrationOptions) {
    const { registry, instance, ttlMs, clock, random, log, readiness } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#standing = createRegistrationLog(log, instance.instanceId);
    const nextSequence = () => {
      this.#sequence += 1n;
      return this.#sequence;
    };
    const onForgotten = () => this.#standing.forgotten();
    const secret = Buffer.from(random.hex(SECRET_BYTES), 'hex');
    this.#leaseOptions = { registry, instance, secret, ttlMs, nextSequence, onForgotten };
    this.#pause = createPause(clock);
    this.#backoff = createBackoff({ baseMs: RETRY_BASE_MS, maxMs: Math.min(ttlMs / 3, RETRY_MAX_MS), random });
    this.#link = options.link ?? SINGLE_REGISTRY;
    const unsubscribes = [
      readiness.subscribe(() => this.#pause.wake()),
      this.#link.onReconnect(() => this.#onReconnect()),
    ];
    this.#unsubscribe = () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
      this.#reconnected?.cancel();
    };
    this.#done = this.#run();
  }

  async told(signal: AbortSignal): Promise<boolean> {
    for await (const { reachable, status } of follow(this.#outcome, signal)) {
      if (!reachable) return false;
      if (status === this.#wanted) return true;
    }
    return false;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#unsubscribe();
    this.#pause.wake();
    await this.#done;
    const lease = this.#lease;
    if (lease === undefined) return;
    try {
      await this.#ask(() => endLease(lease, this.#leaseOptions));
    } catch (error) {
      this.#options.log.warn({ err: error }, "couldn't say goodbye to the registry: the lease will run out by itself");
    }
  }

  async #run(): Promise<void> {
    while (!this.#closing) {
      try {
        await this.#pause.wait(await this.#keep());
      } catch (error) {
        if (isDisplaced(error)) await this.#sitOut(error);
        else if (!this.#adjust(error)) {
          this.#fail(error);
          await this.#pause.wait(this.#backoff.nextMs());
        }
      }
    }
  }

  /**
   * Another process holds the instance id, and the lease with it. One that lives keeps it, as this one asks for it no more
   * than once a TTL, and by a start that is the earlier of the two; where it has ended, this one is in within a TTL. A
   * process that held a lease registers at once, so that the registry can tell of it.
   */
  async #sitOut(error: unknown): Promise<void> {
    this.#standing.displaced(error);
    this.#outcome.set({ reachable: false, status: undefined });
    const hadLease = this.#lease !== undefined;
    this.#lease = undefined;
    if (hadLease) return;
    const { clock, ttlMs } = this.#options;
    const untilMs = clock.now() + ttlMs;
    // A change of readiness, or another connection, wakes it; neither frees the id.
    while (!this.#closing && clock.now() < untilMs) await this.#pause.wait(untilMs - clock.now());
  }

  /** Where the registry refuses this process's start as ahead of its clock, takes the start that it had by that clock. */
  #adjust(error: unknown): boolean {
    const registryMs = registryTimeOf(error);
    if (registryMs === undefined || this.#isAdjusted) return false;
    const { instance } = this.#leaseOptions;
    const ranMs = this.#options.clock.now() - this.#startedAt;
    const incarnation = BigInt(Math.max(1, Math.floor(registryMs - ranMs)));
    if (incarnation >= instance.incarnation) return false;
    this.#standing.adjusted(Number(instance.incarnation - incarnation));
    this.#leaseOptions = { ...this.#leaseOptions, instance: { ...instance, incarnation } };
    this.#isAdjusted = true;
    return true;
  }

  /** Makes one call; gives how long to wait until the next. */
  async #keep(): Promise<number> {
    const known = this.#lease;
    const wanted = this.#wanted;
    // Until the registry has answered, nobody knows which of the two it holds: where no answer comes, it is told again.
    if (known !== undefined && known.status !== wanted) {
      this.#lease = { ...known, status: InstanceStatus.INSTANCE_STATUS_UNSPECIFIED };
    }
    const { clock, random } = this.#options;
    const calledAt = clock.now();
    const lease = await this.#ask(() => refreshLease(known, wanted, this.#leaseOptions));
    this.#lease = lease;
    this.#isAdjusted = false;
    this.#reconnected?.cancel();
    // An update renews nothing: readiness that comes and goes must not keep the lease from being renewed in time.
    if (lease.id !== known?.id || lease.status === known.status) this.#renewedAt = calledAt;
    this.#backoff.reset();
    this.#standing.reached();
    this.#outcome.set({ reachable: true, status: lease.status });
    const renewInMs = Math.min(lease.ttlMs / 3, MAX_RENEWAL_MS) * (0.8 + 0.2 * random.next());
    return Math.max(0, this.#renewedAt + renewInMs - clock.now());
  }

  /** Asks the registry that answered last; where it fails, the others at once. */
  async #ask<T>(word: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await word();
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

  #fail(error: unknown): void {
    this.#isAdjusted = false;
    this.#standing.failed(error);
    this.#outcome.set({ reachable: false, status: undefined });
  }

  get #wanted(): InstanceStatus {
    return STATUS[this.#options.readiness.current.phase];
  }
}

/** A way that is as it is. */
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
