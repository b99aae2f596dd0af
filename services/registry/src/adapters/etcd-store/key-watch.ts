import type { Logger } from '@rondo/rpc/call';
import { type Clock, createBackoff, type Random, sleep, type Timer } from '@rondo/rpc/clock';
import type { Etcd, KeyEvent, KeyWatchEvent } from './etcd-client.js';
import type { KeyRange, Keys } from './keys.js';

/** All keys of the registry at one revision. */
export interface KeySnapshot {
  readonly pairs: readonly KeyEvent[];
  readonly revision: bigint;
  readonly clusterId: bigint;
}

/** Receives the keys and their changes. */
interface KeyListener {
  /** All keys, at first and whenever etcd has compacted the changes since. Resolves to false to get the keys again. */
  onSnapshot(loaded: KeySnapshot): Promise<boolean>;
  /** The changes since, in order. */
  onEvents(events: readonly KeyEvent[]): void;
  /** Whether the watch works: undefined if it does, otherwise why it doesn't. */
  onConnection(failure: string | undefined): void;
}

/** The options of {@link watchKeys}. */
interface KeyWatchOptions {
  readonly etcd: Etcd;
  readonly keys: Pick<Keys, 'all'>;
  readonly listener: KeyListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A watch of the registry's keys until it is stopped. */
export interface KeyWatch {
  /** Leaves the current stream. A new one continues at the same revision, likely at another member. */
  restart(reason: string): void;
  /** Leaves the current stream and reads all keys again, because etcd has lost its former state. */
  reload(reason: string): void;
  /** Resolves once the watch has ended. */
  stop(): Promise<void>;
}

const PAGE = 500;
const BACKOFF = { baseMs: 50, maxMs: 2_000 };
/** A member that accepts the watch and sends nothing for this long is left. */
const OPEN_TIMEOUT_MS = 2_000;

/** Starts the etcd watch of a registry: of all keys, from a snapshot on, over any member, without a gap. */
export function watchKeys(options: KeyWatchOptions): KeyWatch {
  return new KeyWatcher(options);
}

class KeyWatcher implements KeyWatch {
  readonly #options: KeyWatchOptions;
  readonly #stopped = new AbortController();
  readonly #done: Promise<void>;
  readonly #backoff: ReturnType<typeof createBackoff>;
  /** Leaves the open stream. */
  #leave: (reason: string) => void = () => undefined;
  /** The revision to continue from; undefined if all keys must be read again. */
  #next: bigint | undefined;

  constructor(options: KeyWatchOptions) {
    this.#options = options;
    this.#backoff = createBackoff({ ...BACKOFF, random: options.random });
    this.#done = this.#run();
  }

  restart(reason: string): void {
    this.#leave(reason);
  }

  reload(reason: string): void {
    this.#next = undefined;
    this.#leave(reason);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { listener, clock } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#stream();
      } catch (error) {
        if (signal.aborted) return;
        listener.onConnection(error instanceof Error ? error.message : String(error));
        await sleep(clock, this.#backoff.nextMs(), signal).catch(() => undefined);
      }
    }
  }

  /** Reads one stream to its end. */
  async #stream(): Promise<void> {
    const { etcd, keys, clock } = this.#options;
    while (this.#next === undefined) this.#next = await load(this.#options);
    // It may have been stopped meanwhile: an abort that is over is not announced again.
    if (this.#stopped.signal.aborted) return;
    const attempt = new AbortController();
    const end = () => attempt.abort();
    let left: string | undefined;
    const leave = (reason: string) => {
      left ??= reason;
      end();
    };
    this.#leave = leave;
    this.#stopped.signal.addEventListener('abort', end, { once: true });
    const opening = clock.setTimer(OPEN_TIMEOUT_MS, () => leave(`the watch didn't open within ${OPEN_TIMEOUT_MS} ms`));
    try {
      await this.#take(etcd.watch(keys.all, this.#next, attempt.signal), opening);
    } catch (error) {
      throw left === undefined ? error : new Error(left);
    } finally {
      opening.cancel();
      this.#stopped.signal.removeEventListener('abort', end);
    }
  }

  async #take(watch: AsyncIterable<KeyWatchEvent>, opening: Timer): Promise<void> {
    const { listener, log } = this.#options;
    for await (const news of watch) {
      opening.cancel();
      if (news.kind === 'compacted') {
        log.warn({ from: String(this.#next) }, 'etcd has compacted the missed changes: reading all keys again');
        this.#next = undefined;
        return;
      }
      if (news.kind === 'canceled') throw new Error(`etcd ended the watch: ${news.reason}`);
      this.#backoff.reset();
      listener.onConnection(undefined);
      if (news.kind !== 'events') continue;
      listener.onEvents(news.events);
      const { revision } = news.events.at(-1) ?? { revision: 0n };
      // If all keys must be read again, events that arrive meanwhile don't change that.
      if (this.#next !== undefined) this.#next = revision + 1n;
    }
    throw new Error('etcd ended the watch');
  }
}

/** Reads all keys. Returns the revision to continue from; undefined if they must be read again. */
async function load({ etcd, keys, listener }: KeyWatchOptions): Promise<bigint | undefined> {
  const loaded = await readAll(etcd, keys);
  return (await listener.onSnapshot(loaded)) ? loaded.revision + 1n : undefined;
}

/** Reads all keys at one revision, page by page. */
async function readAll(etcd: Etcd, keys: Pick<Keys, 'all'>): Promise<KeySnapshot> {
  const { rangeEnd } = keys.all;
  const pairs: KeyEvent[] = [];
  let range: KeyRange = keys.all;
  let revision = 0n;
  let clusterId = 0n;
  for (let more = true; more; ) {
    const page = await etcd.read(range, { limit: PAGE, revision });
    if (revision === 0n) ({ revision, clusterId } = page);
    for (const { modRevision, ...pair } of page.pairs) pairs.push({ ...pair, revision: modRevision });
    more = page.more;
    const last = page.pairs.at(-1);
    if (last !== undefined) range = { key: Buffer.concat([last.key, Buffer.alloc(1)]), rangeEnd };
  }
  return { pairs, revision, clusterId };
}
