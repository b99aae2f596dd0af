import { type Logger, silentLogger } from '@rondo/rpc/call';
import type { Random, WallClock } from '@rondo/rpc/clock';
import { ManualClock, seededRandom } from '@rondo/rpc/testing';
import type { RegisterOptions } from '../../src/domain/admission.js';
import type { Instance, Registration } from '../../src/domain/instance.js';
import type { Lease, SecretHash } from '../../src/domain/lease.js';
import { DEFAULT_TOTAL_LIMITS, type TotalLimits } from '../../src/domain/limits.js';
import type { Position, RegistryStore, WatchEvent } from '../../src/domain/store.js';

/** The options of a store under test. */
export interface StoreSetup {
  readonly clock: ManualClock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: TotalLimits;
  readonly warmingMs: number;
  readonly removalsKept: number;
}

/** Makes an empty store, and its clock if it needs a special one. */
export type MakeStore = ((setup: StoreSetup) => Promise<RegistryStore>) & { readonly newClock?: () => ManualClock };

/** Makes stores for a test and closes them at its end. */
export interface Fixture {
  start(setup?: Partial<StoreSetup>): Promise<{ store: RegistryStore; clock: ManualClock }>;
  end(): Promise<void>;
}

export const TTL_MS = 10_000;

/** A stand-in for the hash of the secret of `name`. */
export function secretOf(name: string): SecretHash {
  return `the hash of the secret of ${name}`;
}

/** The options that an instance registers with: its secret, and the sequence if it numbers its calls. */
export function ownSecret(sequence = 0n): RegisterOptions {
  return { sequence, secretHash: secretOf('sales-1') };
}

export function createFixture(makeStore: MakeStore): Fixture {
  const stores: RegistryStore[] = [];
  return {
    async start(setup = {}) {
      const { clock = makeStore.newClock?.() ?? new ManualClock() } = setup;
      const bounds = { limits: DEFAULT_TOTAL_LIMITS, warmingMs: 0, removalsKept: 1000 };
      const chance = { random: seededRandom(1), log: silentLogger };
      const store = await makeStore({ wallClock: clock.wall, ...chance, ...bounds, ...setup, clock });
      stores.push(store);
      return { store, clock };
    },
    async end() {
      await Promise.all(stores.splice(0).map((store) => store.close()));
    },
  };
}

export function registration(part: Partial<Registration> = {}): Registration {
  return {
    instanceId: 'sales-1',
    incarnation: 1n,
    endpoints: [{ address: '127.0.0.1:50053', protocols: [1], security: 1 }],
    services: ['sales.v1.OrderService'],
    zone: 'eu/a',
    version: '1.0.0',
    weight: 100,
    metadata: {},
    fingerprints: {},
    status: 'serving',
    ...part,
  };
}

/** Registers an instance for {@link TTL_MS}, with its secret. Returns its lease, and the answer's position. */
export async function join(
  store: RegistryStore,
  part: Partial<Registration> = {},
  sequence?: bigint,
): Promise<Lease & { readonly position: Position }> {
  const own = registration(part);
  const { leaseId, position } = await store.register(own, TTL_MS, ownSecret(sequence));
  return { leaseId, position, instanceId: own.instanceId };
}

/** A log that records levels and messages. */
export function recordingLog(): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (_fields: object, message: string) => void lines.push(`${level}: ${message}`);
  const levels = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const log: Logger = { ...levels, child: () => log };
  return { log, lines };
}

/** Lists all instances. */
export async function listed(store: RegistryStore, service?: string): Promise<readonly Instance[]> {
  const found: Instance[] = [];
  for (let more = true; more; ) {
    const page = await store.listInstances({ service, afterId: found.at(-1)?.instanceId ?? '', pageSize: 1000 });
    found.push(...page.instances);
    more = page.more;
  }
  return found;
}

/** A watch client that applies events as the contract says. */
export class WatchClient {
  readonly held = new Map<string, Instance>();
  position: Position | undefined;
  #parts: Instance[] = [];
  readonly #stop = new AbortController();
  readonly #events: AsyncIterator<WatchEvent>;
  #waiting: Promise<WatchEvent | undefined> | undefined;

  constructor(store: RegistryStore, service?: string, resumeFrom?: Position) {
    this.#events = store.watch({ service, resumeFrom, signal: this.#stop.signal })[Symbol.asyncIterator]();
  }

  /** The next event; undefined at the end. A pending pull is continued. */
  async next(): Promise<WatchEvent | undefined> {
    this.#waiting ??= this.#pull();
    const event = await this.#waiting;
    this.#waiting = undefined;
    return event;
  }

  /** The next event if there is one already; it doesn't wait for another. */
  async poll(clock: ManualClock): Promise<WatchEvent | undefined> {
    this.#waiting ??= this.#pull();
    const later = clock.advance(0).then(() => undefined);
    const event = await Promise.race([this.#waiting, later]);
    if (event !== undefined) this.#waiting = undefined;
    return event;
  }

  stop(): void {
    this.#stop.abort();
  }

  async #pull(): Promise<WatchEvent | undefined> {
    const step = await this.#events.next();
    if (step.done === true) return undefined;
    this.#apply(step.value);
    return step.value;
  }

  #apply(event: WatchEvent): void {
    if (event.kind === 'snapshot-part') {
      this.#parts.push(...event.instances);
      return;
    }
    if (event.kind === 'snapshot') {
      this.held.clear();
      for (const instance of [...this.#parts.splice(0), ...event.instances])
        this.held.set(instance.instanceId, instance);
    }
    if (event.kind === 'delta') {
      if (this.position !== undefined && event.position.revision <= this.position.revision) {
        throw new Error(`a delta of revision ${event.position.revision} after ${this.position.revision}`);
      }
      for (const instance of event.upserts) this.held.set(instance.instanceId, instance);
      for (const { instanceId } of event.removals) this.held.delete(instanceId);
    }
    this.position = event.position;
  }
}
