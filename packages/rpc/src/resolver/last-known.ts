import type { Logger } from '../call/index.js';
import type { Clock, Timer, WallClock } from '../clock/index.js';
import { formatLastKnown, parseLastKnown } from './last-known-format.js';
import type { Endpoint } from './resolver.js';

/** Keeps texts under names, beyond the life of a process. */
export interface EndpointStorage {
  /** The text kept under `name`; undefined where there is none. */
  read(name: string): Promise<string | undefined>;
  /** Keeps `text` in place of what was kept: wholly, or not at all. */
  write(name: string, text: string): Promise<void>;
  /** Where `name` is kept, for messages. */
  locate(name: string): string;
}

/** What a {@link LastKnownKeeper} is made from. */
export interface LastKnownOptions {
  readonly storage: EndpointStorage;
  /** The registry's addresses. */
  readonly registry: readonly string[];
  readonly clock: Clock;
  /** What is kept says when it was kept, for another process. */
  readonly wallClock: WallClock;
  readonly log: Logger;
}

/** What an earlier process knew. */
export interface Recalled {
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
export class LastKnownKeeper {
  readonly #options: LastKnownOptions;
  readonly #entries = new Map<string, Entry>();
  #failed = false;

  constructor(options: LastKnownOptions) {
    this.#options = options;
  }

  /** What an earlier process knew of `service`; undefined where there is nothing that can be used. */
  async read(service: string): Promise<Recalled | undefined> {
    const { storage, registry, wallClock, log } = this.#options;
    try {
      const text = await this.#inTime(storage.read(nameOf(service)));
      if (text === undefined) return undefined;
      const { endpoints, savedAtMs } = parseLastKnown(text, { service, registry });
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
      const text = formatLastKnown(endpoints, { service, registry, savedAtMs });
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
