import type { Logger } from '@rondo/rpc/call';
import { type Clock, type Random, sleep, type Timer } from '@rondo/rpc/clock';
import type { Etcd, KeyEvent, WatchNews } from './etcd-client.js';
import type { KeyRange, Keys } from './keys.js';

/** All the registry's keys at one revision. */
export interface Loaded {
  readonly pairs: readonly KeyEvent[];
  readonly revision: bigint;
  readonly clusterId: bigint;
}

/** What hears of the keys. */
export interface FollowerListener {
  /** Everything, at first and wherever the changes since are forgotten; false to be told again. */
  onLoad(loaded: Loaded): Promise<boolean>;
  /** What has changed since, in order. */
  onEvents(events: readonly KeyEvent[]): void;
  /** Whether it is being told right now; why not, where it isn't. */
  onConnection(failure: string | undefined): void;
}

/** What a follower is made from. */
export interface FollowerOptions {
  readonly etcd: Etcd;
  readonly keys: Keys;
  readonly listener: FollowerListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Follows the registry's keys until it is stopped. */
export interface Follower {
  /** Leaves the stream that it follows: another begins where this one got to, likely at another member. */
  restart(reason: string): void;
  /** The same, and reads everything anew: etcd isn't the one that it was. */
  reload(reason: string): void;
  /** Resolves once nothing is under way. */
  stop(): Promise<void>;
}

const PAGE = 500;
const RETRY_BASE_MS = 50;
const RETRY_MAX_MS = 2_000;
/** A member that takes the watch and says nothing is left. */
const OPEN_TIMEOUT_MS = 2_000;

/** The one watch that a registry has: of all keys, from a load on, over any member, without a gap. */
export function follow(options: FollowerOptions): Follower {
  return new KeyFollower(options);
}

class KeyFollower implements Follower {
  readonly #options: FollowerOptions;
  readonly #stopped = new AbortController();
  readonly #done: Promise<void>;
  /** Leaves the stream that is open. */
  #leave: (reason: string) => void = () => undefined;
  /** The revision to go on from; undefined where everything is to be read anew. */
  #next: bigint | undefined;
  #failures = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
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
    const { listener, clock, random } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#stream();
      } catch (error) {
        if (signal.aborted) return;
        listener.onConnection(error instanceof Error ? error.message : String(error));
        const delayMs = random.next() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** this.#failures++);
        await sleep(clock, delayMs, signal).catch(() => undefined);
      }
    }
  }

  /** Follows one stream to its end. */
  async #stream(): Promise<void> {
    const { etcd, keys, clock } = this.#options;
    while (this.#next === undefined) this.#next = await load(this.#options);
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

  async #take(watch: AsyncIterable<WatchNews>, opening: Timer): Promise<void> {
    const { listener, log } = this.#options;
    for await (const news of watch) {
      opening.cancel();
      if (news.kind === 'compacted') {
        log.warn({ from: String(this.#next) }, 'etcd has forgotten what changed meanwhile: reading everything anew');
        this.#next = undefined;
        return;
      }
      if (news.kind === 'canceled') throw new Error(`etcd ended the watch: ${news.reason}`);
      this.#failures = 0;
      listener.onConnection(undefined);
      if (news.kind !== 'events') continue;
      listener.onEvents(news.events);
      const { revision } = news.events.at(-1) ?? { revision: 0n };
      // Where it is to read anew, what came meanwhile changes nothing of that.
      if (this.#next !== undefined) this.#next = revision + 1n;
    }
    throw new Error('etcd ended the watch');
  }
}

/** Returns the revision to go on from; undefined where everything is to be read again. */
async function load({ etcd, keys, listener }: FollowerOptions): Promise<bigint | undefined> {
  const loaded = await readAll(etcd, keys);
  return (await listener.onLoad(loaded)) ? loaded.revision + 1n : undefined;
}

/** Reads all keys at one revision, page by page. */
async function readAll(etcd: Etcd, keys: Keys): Promise<Loaded> {
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
