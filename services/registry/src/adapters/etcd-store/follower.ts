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
  const { listener, clock, random, log } = options;
  const stopped = new AbortController();
  let leave: (reason: string) => void = () => undefined;
  let next: bigint | undefined;
  let failures = 0;

  async function stream(): Promise<void> {
    while (next === undefined) next = await load(options);
    const attempt = new AbortController();
    const end = () => attempt.abort();
    let left: string | undefined;
    leave = (reason) => {
      left ??= reason;
      end();
    };
    stopped.signal.addEventListener('abort', end, { once: true });
    const opening = clock.setTimer(OPEN_TIMEOUT_MS, () => leave(`the watch didn't open within ${OPEN_TIMEOUT_MS} ms`));
    try {
      await take(options.etcd.watch(options.keys.all, next, attempt.signal), opening);
    } catch (error) {
      throw left === undefined ? error : new Error(left);
    } finally {
      opening.cancel();
      stopped.signal.removeEventListener('abort', end);
    }
  }

  async function take(watch: AsyncIterable<WatchNews>, opening: Timer): Promise<void> {
    for await (const news of watch) {
      opening.cancel();
      if (news.kind === 'compacted') {
        log.warn({ from: String(next) }, 'etcd has forgotten what changed meanwhile: reading everything anew');
        next = undefined;
        return;
      }
      if (news.kind === 'canceled') throw new Error(`etcd ended the watch: ${news.reason}`);
      failures = 0;
      listener.onConnection(undefined);
      if (news.kind !== 'events') continue;
      listener.onEvents(news.events);
      const { revision } = news.events.at(-1) ?? { revision: 0n };
      // Where it is to read anew, what came meanwhile changes nothing of that.
      if (next !== undefined) next = revision + 1n;
    }
    throw new Error('etcd ended the watch');
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        await stream();
      } catch (error) {
        if (stopped.signal.aborted) return;
        listener.onConnection(error instanceof Error ? error.message : String(error));
        const delayMs = random.next() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** failures++);
        await sleep(clock, delayMs, stopped.signal).catch(() => undefined);
      }
    }
  }

  const done = run();
  return {
    restart: (reason) => leave(reason),
    reload(reason) {
      next = undefined;
      leave(reason);
    },
    async stop() {
      stopped.abort();
      await done;
    },
  };
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
