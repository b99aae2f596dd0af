import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { checkCount, checkTaken, field, type HttpServers, items, latest, takenBy, textOf } from '@rondo/registries';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { fromEntry, idOf } from './entry.js';

const POLL_MS = 5_000;
/** A server keeps changes for three minutes; after a longer silence the whole list is read. */
const MAX_SILENCE_MS = 60_000;

interface Kept {
  readonly app: string;
  readonly status: string;
  /** Differs with each change of the entry. */
  readonly version: string;
  readonly instance: Instance | undefined;
}

/** Options of {@link Apps}. */
export interface AppsOptions {
  readonly servers: HttpServers;
  /** The path of the applications. */
  readonly path: string;
  readonly serviceOf: (name: string) => string;
  readonly clock: Clock;
}

/** All applications of a server, which one poll keeps current for all watches of the process. */
export class Apps {
  readonly #options: AppsOptions;
  readonly #closing = new AbortController();
  #kept: ReadonlyMap<string, Kept> = new Map();
  #readAt = Number.NEGATIVE_INFINITY;
  /** When the next poll is due: at once, if the last has failed. */
  #dueAt = Number.NEGATIVE_INFINITY;
  #poll: Promise<void> | undefined;
  /** Grows with each change. */
  revision = 0;

  constructor(options: AppsOptions) {
    this.#options = options;
  }

  /** Whether what is kept is too old to begin with. */
  get isDue(): boolean {
    return this.#options.clock.now() >= this.#dueAt;
  }

  /** Waits for the next poll. @throws Error if the server fails. */
  next(): Promise<void> {
    this.#poll ??= this.#read().finally(() => {
      this.#poll = undefined;
    });
    return this.#poll;
  }

  /** The instances of an application, or of all. */
  list(app: string): readonly Instance[] {
    const named = [...this.#kept.values()].filter((kept) => app === '' || kept.app === app);
    return latest(named.flatMap(({ instance }) => instance ?? []));
  }

  close(): void {
    this.#closing.abort();
  }

  async #read(): Promise<void> {
    const { clock } = this.#options;
    if (!this.isDue) await sleep(clock, this.#dueAt - clock.now(), this.#closing.signal);
    this.#dueAt = Number.NEGATIVE_INFINITY;
    const isRecent = clock.now() - this.#readAt < MAX_SILENCE_MS;
    const isWhole = isRecent && this.#merge(await this.#ask('/delta'), new Map(this.#kept));
    if (!isWhole) {
      this.#merge(await this.#ask('/'), new Map());
      this.revision += 1; // an instance may have gone
    }
    this.#readAt = clock.now();
    this.#dueAt = this.#readAt + POLL_MS;
  }

  async #ask(path: string): Promise<unknown> {
    const { servers, path: above } = this.#options;
    const { json } = await servers.ask({ path: `${above}${path}`, signal: this.#closing.signal });
    const apps = field(json, 'applications');
    if (apps === undefined)
      throw new Error(`${above} is not of Eureka; give eureka://HOST:PORT/PATH, PATH without /apps`);
    return apps;
  }

  /** Takes what is listed into `kept`. Returns whether that is now what the server has, by its hash. */
  #merge(apps: unknown, kept: Map<string, Kept>): boolean {
    let isChanged = false;
    for (const app of items(field(apps, 'application'))) {
      const name = textOf(field(app, 'name'));
      for (const entry of items(field(app, 'instance'))) if (this.#keep(kept, name, entry)) isChanged = true;
      checkCount(kept.size);
    }
    checkTaken(takenBy([...kept.values()].flatMap(({ instance }) => instance ?? [])));
    this.#kept = kept;
    if (isChanged) this.revision += 1;
    return hashOf(kept.values()) === field(apps, 'apps__hashcode');
  }

  /** Returns whether the entry differs from the one that is kept. */
  #keep(kept: Map<string, Kept>, app: string, entry: unknown): boolean {
    const id = `${app}/${idOf(entry)}`;
    if (field(entry, 'actionType') === 'DELETED') return kept.delete(id);
    const status = textOf(field(entry, 'status'));
    const version = [status, field(entry, 'lastUpdatedTimestamp'), field(entry, 'lastDirtyTimestamp')].join();
    if (kept.get(id)?.version === version) return false;
    kept.set(id, { app, status, version, instance: fromEntry(entry, this.#options.serviceOf) });
    return true;
  }
}

/** How many instances have each status, as servers write it: `DOWN_1_UP_20_`. */
function hashOf(all: Iterable<Kept>): string {
  const counts = new Map<string, number>();
  for (const { status } of all) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([status, count]) => `${status}_${count}_`)
    .join('');
}
