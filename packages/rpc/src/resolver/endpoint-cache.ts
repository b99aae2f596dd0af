import { type Delta, type Instance, RemovalReason } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Logger } from '../call/index.js';
import type { Clock, Timer, WallClock } from '../clock/index.js';
import { toEndpoint } from './endpoint.js';
import { type EndpointStorage, formatSaved, parseSaved } from './endpoint-storage.js';
import type { Endpoint } from './resolver.js';

/** More than a registry holds by default, of all services together: what goes on growing past it is none. */
const MAX_INSTANCES = 50_000;

/** What is known of a service's instances, and how the registry's answers change it. */
export class EndpointCache {
  readonly #endpoints = new Map<string, Endpoint>();
  /** Those that the registry hasn't named since it, or this process, started. */
  readonly #unconfirmed = new Set<string>();
  readonly #onUnusable: (instance: Instance) => void;

  /** @param onUnusable is told of each instance that is left out, as it can't be spoken with. */
  constructor(onUnusable: (instance: Instance) => void) {
    this.#onUnusable = onUnusable;
  }

  get size(): number {
    return this.#endpoints.size;
  }

  list(): readonly Endpoint[] {
    return [...this.#endpoints.values()];
  }

  /** Adds what an earlier process knew, until the registry says otherwise. Returns how many were new. */
  recall(endpoints: readonly Endpoint[]): number {
    const added = endpoints.filter(({ instanceId }) => !this.#endpoints.has(instanceId));
    for (const endpoint of added) {
      this.#endpoints.set(endpoint.instanceId, endpoint);
      this.#unconfirmed.add(endpoint.instanceId);
    }
    return added.length;
  }

  /**
   * Takes a whole snapshot. What it doesn't name is unconfirmed, and goes with {@link confirm}; one that was draining
   * goes at once, as it was about to.
   */
  applySnapshot(instances: readonly Instance[]): void {
    for (const instanceId of this.#endpoints.keys()) this.#unconfirmed.add(instanceId);
    this.#upsert(instances);
    for (const instanceId of this.#unconfirmed) {
      if (this.#endpoints.get(instanceId)?.standing === 'draining') this.#remove(instanceId);
    }
  }

  /** Takes changes. Returns the ids of those that said goodbye. */
  applyDelta({ upserts, removals }: Delta): readonly string[] {
    checkCount(this.#endpoints.size + upserts.length);
    this.#upsert(upserts);
    for (const { instanceId } of removals) this.#remove(instanceId);
    return removals.filter(({ reason }) => DEPARTURES.has(reason)).map(({ instanceId }) => instanceId);
  }

  /** The registry knows everybody: what it hasn't named goes. Returns whether something did. */
  confirm(): boolean {
    const gone = [...this.#unconfirmed];
    for (const instanceId of gone) this.#remove(instanceId);
    return gone.length > 0;
  }

  #upsert(instances: readonly Instance[]): void {
    for (const instance of instances) {
      const endpoint = toEndpoint(instance);
      this.#unconfirmed.delete(instance.instanceId);
      if (endpoint === undefined) {
        this.#endpoints.delete(instance.instanceId);
        this.#onUnusable(instance);
      } else this.#endpoints.set(instance.instanceId, endpoint);
    }
  }

  #remove(instanceId: string): void {
    this.#endpoints.delete(instanceId);
    this.#unconfirmed.delete(instanceId);
  }
}

/**
 * Bounds what a registry can make a client hold.
 *
 * @throws Error where there can't be `count` instances.
 */
export function checkCount(count: number): void {
  if (count > MAX_INSTANCES) throw new Error(`it names more than ${MAX_INSTANCES} instances`);
}

/** A reason that is unknown here proves nothing: that instance is kept while its connection stands. */
const DEPARTURES: ReadonlySet<RemovalReason> = new Set([
  RemovalReason.REMOVAL_REASON_DEREGISTERED,
  RemovalReason.REMOVAL_REASON_REPLACED,
]);

/** What a {@link SavedEndpoints} is made from. */
interface SavedEndpointsOptions {
  readonly storage: EndpointStorage;
  /** The registry's addresses. */
  readonly registry: readonly string[];
  readonly clock: Clock;
  /** What is kept says when it was kept, for another process. */
  readonly wallClock: WallClock;
  readonly log: Logger;
}

/** What an earlier process knew. */
interface RecalledEndpoints {
  readonly endpoints: readonly Endpoint[];
  /** How long ago the registry was last heard; 0 where that is to come, as a clock was set back. */
  readonly ageMs: number;
}

/** Changes that come closer together are written as one. */
const WRITE_AFTER_MS = 1_000;
/** Written again after this long without a change. */
const REFRESH_AFTER_MS = 10 * 60_000;
/** A storage that takes longer keeps nobody waiting. */
const READ_WITHIN_MS = 500;

interface Entry {
  endpoints: readonly Endpoint[];
  timer: Timer | undefined;
  writing: boolean;
  /** Something has changed while it was being written. */
  again: boolean;
  /** What was written last, without its time. */
  written: string | undefined;
  writtenAtMs: number;
}

/** Keeps what is known of each service, for a process that starts while the registry is away. Never fails a caller. */
export class SavedEndpoints {
  readonly #options: SavedEndpointsOptions;
  readonly #entries = new Map<string, Entry>();
  #failed = false;

  constructor(options: SavedEndpointsOptions) {
    this.#options = options;
  }

  /** What an earlier process knew of `service`; undefined where there is nothing that can be used. */
  async read(service: string): Promise<RecalledEndpoints | undefined> {
    const { storage, registry, wallClock, log } = this.#options;
    try {
      const text = await this.#inTime(storage.read(nameOf(service)));
      if (text === undefined) return undefined;
      const { endpoints, savedAtMs } = parseSaved(text, { service, registry });
      return { endpoints, ageMs: Math.max(0, wallClock.now().getTime() - savedAtMs) };
    } catch (error) {
      const fields = { target: service, file: storage.locate(nameOf(service)), reason: messageOf(error) };
      log.warn(fields, 'the last known instances are left aside; they are kept anew once the registry answers');
      return undefined;
    }
  }

  /**
   * Keeps what the registry said, soon. That there is nobody isn't kept: it would leave the next process without the
   * addresses where somebody may still be.
   */
  save(service: string, endpoints: readonly Endpoint[]): void {
    if (endpoints.length === 0) return;
    const entry = this.#entryOf(service);
    entry.endpoints = endpoints;
    entry.timer ??= this.#options.clock.setTimer(WRITE_AFTER_MS, () => this.#write(service, entry), {
      keepAlive: false,
    });
  }

  /** What was kept is still so: its age says when the registry was last heard. */
  refresh(service: string): void {
    const entry = this.#entries.get(service);
    const old = entry !== undefined && this.#options.clock.now() - entry.writtenAtMs >= REFRESH_AFTER_MS;
    if (old) this.save(service, entry.endpoints);
  }

  /** Writes what waits to be written; nothing is kept after it. */
  close(): void {
    for (const [service, entry] of this.#entries) if (entry.timer !== undefined) this.#write(service, entry);
    this.#entries.clear();
  }

  #entryOf(service: string): Entry {
    const present = this.#entries.get(service);
    if (present !== undefined) return present;
    const entry: Entry = {
      endpoints: [],
      timer: undefined,
      writing: false,
      again: false,
      written: undefined,
      writtenAtMs: 0,
    };
    this.#entries.set(service, entry);
    return entry;
  }

  #write(service: string, entry: Entry): void {
    entry.timer?.cancel();
    entry.timer = undefined;
    if (entry.writing) {
      entry.again = true;
      return;
    }
    const { clock } = this.#options;
    const content = JSON.stringify(entry.endpoints);
    if (content === entry.written && clock.now() - entry.writtenAtMs < REFRESH_AFTER_MS) return;
    entry.writing = true;
    void this.#tryToWrite(service, entry.endpoints).then((kept) => {
      entry.writing = false;
      if (kept) Object.assign(entry, { written: content, writtenAtMs: clock.now() });
      if (!entry.again) return;
      entry.again = false;
      this.#write(service, entry);
    });
  }

  async #tryToWrite(service: string, endpoints: readonly Endpoint[]): Promise<boolean> {
    const { storage, registry, wallClock } = this.#options;
    try {
      const savedAtMs = wallClock.now().getTime();
      const text = formatSaved(endpoints, { service, registry, savedAtMs });
      await storage.write(nameOf(service), text);
      this.#failed = false;
      return true;
    } catch (error) {
      this.#onWriteError(service, error);
      return false;
    }
  }

  #onWriteError(service: string, error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const { storage, log } = this.#options;
    const fields = { target: service, file: storage.locate(nameOf(service)), reason: messageOf(error) };
    log.warn(fields, "the last known instances can't be kept: a process that starts without the registry lacks them");
  }

  #inTime<T>(reading: Promise<T>): Promise<T> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`it couldn't be read within ${READ_WITHIN_MS} ms`));
      const timer = clock.setTimer(READ_WITHIN_MS, late, { keepAlive: false });
      reading.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

function nameOf(service: string): string {
  return `${service}.json`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
