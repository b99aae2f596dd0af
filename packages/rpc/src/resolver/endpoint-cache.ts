import type { Clock, Timer, WallClock } from '@rondo/base';
import { type Delta, type Instance, RemovalReason } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Logger } from '../call/call.js';
import { type TlsUse, toEndpoint } from './endpoint.js';
import { type EndpointStorage, formatSaved, parseSaved } from './endpoint-storage.js';
import { ALL_SERVICES, type Endpoint } from './resolver.js';

/**
 * A bound above what a registry holds by default for all services together: a list that grows past it can't be right.
 */
const MAX_INSTANCES = 50_000;

/** The instances of a service that a client knows. It applies the registry's snapshots and deltas. */
export class EndpointCache {
  readonly #endpoints = new Map<string, Endpoint>();
  /** Instances that the registry hasn't named since it, or this process, started. */
  readonly #unconfirmed = new Set<string>();
  readonly #onUnusable: (instance: Instance) => void;
  readonly #tls: TlsUse | undefined;

  /**
   * @param onUnusable runs for each instance that is left out because this client can't call it.
   * @param tls the client's mutual TLS, and whether it is required; undefined if it has none.
   */
  constructor(onUnusable: (instance: Instance) => void, tls?: TlsUse) {
    this.#onUnusable = onUnusable;
    this.#tls = tls;
  }

  get size(): number {
    return this.#endpoints.size;
  }

  list(): readonly Endpoint[] {
    return [...this.#endpoints.values()];
  }

  /** Adds endpoints that an earlier process saved, until the registry says otherwise. Returns how many were new. */
  recall(endpoints: readonly Endpoint[]): number {
    const added = endpoints.filter(({ instanceId }) => !this.#endpoints.has(instanceId));
    for (const endpoint of added) {
      this.#endpoints.set(endpoint.instanceId, endpoint);
      this.#unconfirmed.add(endpoint.instanceId);
    }
    return added.length;
  }

  /**
   * Applies a whole snapshot. An instance that it doesn't name becomes unconfirmed, and is removed by {@link confirm}.
   * A draining one is removed at once, as it was about to leave. If there are too many, all unconfirmed ones are removed.
   */
  applySnapshot(instances: readonly Instance[]): void {
    for (const instanceId of this.#endpoints.keys()) this.#unconfirmed.add(instanceId);
    this.#upsert(instances);
    for (const instanceId of this.#unconfirmed) {
      if (this.#endpoints.get(instanceId)?.state === 'draining') this.#remove(instanceId);
    }
    if (this.#endpoints.size > MAX_INSTANCES) this.confirm();
  }

  /** Applies changes. Returns the ids of instances that deregistered or were replaced. */
  applyDelta({ upserts, removals }: Delta): readonly string[] {
    checkCount(this.#endpoints.size + upserts.length);
    this.#upsert(upserts);
    for (const { instanceId } of removals) this.#remove(instanceId);
    return removals.filter(({ reason }) => DEPARTURES.has(reason)).map(({ instanceId }) => instanceId);
  }

  /** Removes the unconfirmed instances, once the registry knows all instances. Returns whether it removed any. */
  confirm(): boolean {
    const gone = [...this.#unconfirmed];
    for (const instanceId of gone) this.#remove(instanceId);
    return gone.length > 0;
  }

  #upsert(instances: readonly Instance[]): void {
    for (const instance of instances) {
      const endpoint = toEndpoint(instance, this.#tls);
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
 * Bounds the memory that a registry can make a client use.
 *
 * @throws Error if there can't be `count` instances.
 */
export function checkCount(count: number): void {
  if (count > MAX_INSTANCES) throw new Error(`it names more than ${MAX_INSTANCES} instances`);
}

/**
 * Reasons that prove that an instance has left. An unknown reason proves nothing: that instance is kept while its
 * connection stands.
 */
const DEPARTURES: ReadonlySet<RemovalReason> = new Set([
  RemovalReason.REMOVAL_REASON_DEREGISTERED,
  RemovalReason.REMOVAL_REASON_REPLACED,
]);

interface SavedEndpointsOptions {
  readonly storage: EndpointStorage;
  /** The registry's addresses. */
  readonly registry: readonly string[];
  readonly clock: Clock;
  /** Stamps the saved text, for another process to read. */
  readonly wallClock: WallClock;
  readonly log: Logger;
}

/** Endpoints that an earlier process saved. */
interface RecalledEndpoints {
  readonly endpoints: readonly Endpoint[];
  /**
   * How long ago the registry last confirmed them. Milliseconds; 0 if that time is in the future because a clock was
   * set back.
   */
  readonly ageMs: number;
}

/** Changes within this time are written together. */
const WRITE_AFTER_MS = 1_000;
/** Unchanged endpoints are written again after this time, so that their age is known. */
const REFRESH_AFTER_MS = 10 * 60_000;
/** After this time, the calls don't wait for the storage any longer. */
const READ_WITHIN_MS = 500;

interface Entry {
  endpoints: readonly Endpoint[];
  timer: Timer | undefined;
  writing: boolean;
  /** Whether something changed while it was being written. */
  again: boolean;
  /** The endpoints written last, without their time. */
  written: string | undefined;
  writtenAtMs: number;
}

/**
 * Saves the known instances of each service, for a process that starts while the registry is away. It logs failures and
 * never throws them.
 */
export class SavedEndpoints {
  readonly #options: SavedEndpointsOptions;
  readonly #entries = new Map<string, Entry>();
  #failed = false;

  constructor(options: SavedEndpointsOptions) {
    this.#options = options;
  }

  /**
   * What an earlier process saved of `service`; undefined if there is nothing usable. A slow storage is awaited, and
   * `onLate` runs after {@link READ_WITHIN_MS}.
   */
  async read(service: string, onLate: () => void): Promise<RecalledEndpoints | undefined> {
    const { storage, registry, clock, wallClock, log } = this.#options;
    const late = () => {
      this.#onLate(service);
      onLate();
    };
    const timer = clock.setTimer(READ_WITHIN_MS, late, { keepAlive: false });
    try {
      const text = await storage.read(nameOf(service));
      if (text === undefined) return undefined;
      const { endpoints, savedAtMs } = parseSaved(text, { service, registry });
      return { endpoints, ageMs: Math.max(0, wallClock.now().getTime() - savedAtMs) };
    } catch (error) {
      const fields = { target: service, file: storage.locate(nameOf(service)), reason: messageOf(error) };
      log.warn(fields, "the last known instances can't be used; they are saved again once the registry answers");
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  /**
   * Saves the endpoints soon. An empty list isn't saved: the next process would lack the addresses at which instances
   * may still be.
   */
  save(service: string, endpoints: readonly Endpoint[]): void {
    if (endpoints.length === 0) return;
    const entry = this.#entryOf(service);
    entry.endpoints = endpoints;
    entry.timer ??= this.#options.clock.setTimer(WRITE_AFTER_MS, () => this.#write(service, entry), {
      keepAlive: false,
    });
  }

  /**
   * The registry has confirmed the saved endpoints: writes them again if they are old, so that their age says when the
   * registry was last heard.
   */
  refresh(service: string): void {
    const entry = this.#entries.get(service);
    const old = entry !== undefined && this.#options.clock.now() - entry.writtenAtMs >= REFRESH_AFTER_MS;
    if (old) this.save(service, entry.endpoints);
  }

  /** Writes pending changes. Nothing is saved afterwards. */
  close(): void {
    for (const [service, entry] of this.#entries) if (entry.timer !== undefined) this.#write(service, entry);
    this.#entries.clear();
  }

  #onLate(service: string): void {
    const { storage, log } = this.#options;
    const reason = `it couldn't be read within ${READ_WITHIN_MS} ms`;
    const fields = { target: service, file: storage.locate(nameOf(service)), reason };
    log.warn(fields, 'the last known instances are not there yet; they are used as soon as they are');
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
    log.warn(fields, "the last known instances can't be saved: a process that starts without the registry lacks them");
  }
}

/** No service has a hyphen in its name. */
const NAME_OF_ALL = 'all-services';

function nameOf(service: string): string {
  return `${service === ALL_SERVICES ? NAME_OF_ALL : service}.json`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
