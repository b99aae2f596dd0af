import { isDeepStrictEqual } from 'node:util';
import { Shares } from '@rondo/base';
import type { SilentInstance } from '@rondo/contracts/rondo/gateway/v1/console';
import type { Principal } from '@rondo/rpc/call';
import type { CallOptions, Channel, Endpoint } from '@rondo/rpc/client';
import { type Clock, createSemaphore, sleep } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { operateErrors, reasonOf } from './errors.js';

/** How instances are found and called. */
export type Reach = Pick<Channel, 'direct' | 'followAll'>;

/** How an instance is called. */
export type AskOptions = Pick<CallOptions, 'principal' | 'timeoutMs'> & { readonly signal: AbortSignal };

/** What instances are asked: for an answer, or for a stream of them that may go on. */
export type Query<T> = (
  | { readonly stream: Ask<AsyncIterable<T>> }
  /** A query that follows reads every two seconds, and yields what has changed. */
  | { readonly read: Ask<Promise<T>> }
) & {
  /** Which instances are asked. */
  readonly fits?: (endpoint: Endpoint) => boolean;
  /** Whether an instance is asked again when its answer has ended, and new instances when they register. */
  readonly follows: boolean;
  /** Why an instance that doesn't have the service doesn't answer. */
  readonly off?: string;
};

type Ask<A> = (channel: Channel, options: AskOptions, endpoint: Endpoint) => A;

/** What instances have answered, and why others haven't. */
export interface Answered<T> {
  readonly answers: T[];
  readonly silent: SilentInstance[];
}

/** On whose behalf instances are asked, and until when. */
export interface Asker {
  readonly signal: AbortSignal;
  readonly principal?: Principal | undefined;
  /** Whose share of the places it takes. */
  readonly client?: string;
}

/** Asks instances on behalf of operators. */
export interface Gatherer {
  /** Yields the answers of instances, four times a second at most, and nothing after ten seconds without any. */
  ask<T>(query: Query<T>, asker: Asker): AsyncGenerator<Answered<T>>;
}

const MAX_OPEN = 64;
const MAX_ASKED = { once: 1_000, following: 200 };
const AT_ONCE = 32;
/** How long one instance, those that are asked next, and all may take to answer once. */
const [ANSWER_MS, ONCE_MS, MAX_MS] = [3_000, 15_000, 20_000];
/** When an instance is asked again whose stream has ended or that couldn't be asked, and one that is read. */
const [AGAIN_MS, EVERY_MS] = [5_000, 2_000];
const PAUSE_MS = 250;
const MAX_REASON = 300;

/** Options of {@link createGatherer}. */
export interface GathererOptions {
  readonly channel: Reach;
  readonly clock: Clock;
  /** How many instances one query asks. */
  readonly maxAsked?: { readonly once: number; readonly following: number };
}

/** Creates a gatherer. Queries at the same time share one connection to each instance. */
export function createGatherer({ channel, clock, maxAsked = MAX_ASKED }: GathererOptions): Gatherer {
  const peers = createPeers(channel);
  const places = new Shares(MAX_OPEN);
  return {
    async *ask(query, asker) {
      const place = places.of(asker.client ?? '');
      if (!place.hold(1)) throw operateErrors.TOO_MANY_QUESTIONS({ most: MAX_OPEN });
      const gone = new AbortController();
      const signal = AbortSignal.any([asker.signal, gone.signal]);
      const { principal } = asker;
      const asking = new Asking(query, {
        peers,
        clock,
        maxAsked,
        options: { signal, ...(principal && { principal }) },
      });
      const following = channel.followAll({
        onResolution: ({ endpoints }) => asking.list(endpoints),
        onFailure: () => undefined,
        onPending: () => undefined,
      });
      const endsAt = query.follows ? Number.POSITIVE_INFINITY : clock.now() + MAX_MS;
      try {
        while (!signal.aborted && clock.now() < endsAt) {
          if (asking.isEmpty && !asking.isOver) await woken(asking, { clock, signal });
          if (asking.isEmpty && asking.isOver) return;
          yield asking.take();
          if (query.follows) await sleep(clock, PAUSE_MS, signal).catch(() => undefined);
        }
      } finally {
        place.hold(0);
        following.close();
        gone.abort();
      }
    },
  };
}

interface Surroundings {
  readonly peers: ReturnType<typeof createPeers>;
  readonly clock: Clock;
  readonly maxAsked: NonNullable<GathererOptions['maxAsked']>;
  readonly options: AskOptions;
}

/** Asks each instance while it is listed; unless the query follows, each of the first list once. An answer waits until it is taken. */
class Asking<T> {
  readonly #query: Query<T>;
  readonly #with: Surroundings;
  readonly #asked = new Map<string, AbortController>();
  #waiting: (Partial<Answered<T>> & { readonly taken: () => void })[] = [];
  /** Whether all instances have answered. */
  isOver = false;
  wake: () => void = () => undefined;

  constructor(query: Query<T>, surroundings: Surroundings) {
    this.#query = query;
    this.#with = surroundings;
    surroundings.options.signal.addEventListener('abort', () => this.take(), { once: true });
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  take(): Answered<T> {
    const all = this.#waiting;
    this.#waiting = [];
    for (const { taken } of all) taken();
    return { answers: all.flatMap(({ answers = [] }) => answers), silent: all.flatMap(({ silent = [] }) => silent) };
  }

  async #add(answer: Partial<Answered<T>>): Promise<void> {
    if (this.#with.options.signal.aborted) return;
    await new Promise<void>((taken) => {
      this.#waiting.push({ ...answer, taken });
      this.wake();
    });
  }

  list(all: readonly Endpoint[]): void {
    const { fits = () => true, follows } = this.#query;
    if (!follows && this.#asked.size > 0) return;
    const { clock, maxAsked, options } = this.#with;
    const endpoints = all.filter(fits).slice(0, follows ? maxAsked.following : maxAsked.once);
    const listed = new Map(endpoints.map((endpoint) => [`${endpoint.instanceId} ${endpoint.address}`, endpoint]));
    for (const [key, before] of this.#asked) {
      if (listed.has(key)) continue;
      before.abort();
      this.#asked.delete(key);
      void this.#add({ silent: [{ instanceId: key.split(' ')[0] ?? '', reason: '' }] });
    }
    const places = createSemaphore(AT_ONCE);
    const endsAt = clock.now() + ONCE_MS;
    const answers = [...listed].map(([key, endpoint]) => {
      if (this.#asked.has(key)) return undefined;
      const gone = new AbortController();
      this.#asked.set(key, gone);
      const signal = AbortSignal.any([options.signal, gone.signal]);
      return follows ? this.#ask(endpoint, signal) : places.run(() => this.#askBefore(endsAt, endpoint));
    });
    if (follows) return;
    void Promise.all(answers).then(() => {
      this.isOver = true;
      this.wake();
    });
  }

  async #askBefore(endsAt: number, endpoint: Endpoint): Promise<void> {
    const { clock, options } = this.#with;
    if (clock.now() < endsAt) return await this.#ask(endpoint, options.signal);
    await this.#add({ silent: [{ instanceId: endpoint.instanceId, reason: 'the others have taken too long' }] });
  }

  /** Asks one instance, once or until `signal` aborts. It doesn't throw. */
  async #ask(endpoint: Endpoint, signal: AbortSignal): Promise<void> {
    const { instanceId } = endpoint;
    const { follows, off } = this.#query;
    const { clock, options, peers } = this.#with;
    const peer = peers.take(endpoint);
    let before: T | undefined;
    try {
      do {
        const attempt = new AbortController();
        const within = follows ? {} : { timeoutMs: ANSWER_MS };
        const until = { ...options, ...within, signal: AbortSignal.any([signal, attempt.signal]) };
        let pauseMs = AGAIN_MS;
        try {
          if ('read' in this.#query) {
            const now = await this.#query.read(peer.channel, until, endpoint);
            if (!isDeepStrictEqual(now, before)) await this.#add({ answers: [now] });
            [before, pauseMs] = [now, EVERY_MS];
          } else {
            const stream = this.#query.stream(peer.channel, until, endpoint);
            for await (const message of stream) await this.#add({ answers: [message] });
          }
        } catch (error) {
          before = undefined;
          if (!signal.aborted) await this.#add({ silent: [{ instanceId, reason: whySilent(error, off) }] });
        } finally {
          // Also ends the other calls of the query.
          attempt.abort();
        }
        if (follows) await sleep(clock, pauseMs, signal).catch(() => undefined);
      } while (follows && !signal.aborted);
    } finally {
      peer.release();
    }
  }
}

function whySilent(error: unknown, off: string | undefined): string {
  if (off !== undefined && error instanceof RpcError && error.code === Status.UNIMPLEMENTED) return off;
  return reasonOf(error).slice(0, MAX_REASON);
}

/** Cuts lists, until they have so many items in all. */
export function createCutter(most: number) {
  let room = most;
  return <T>(list: readonly T[]) => {
    const kept = list.slice(0, room);
    room -= kept.length;
    return { kept, leftOut: list.length - kept.length };
  };
}

/** Connections to single instances. Users of the same instance share one. */
function createPeers(channel: Pick<Channel, 'direct'>) {
  const open = new Map<string, { readonly direct: Channel; users: number }>();
  return {
    /** A connection to one instance, until it is released. */
    take(endpoint: Endpoint) {
      const key = `${endpoint.address} ${endpoint.secure}`;
      const peer = open.get(key) ?? { direct: channel.direct([endpoint]), users: 0 };
      open.set(key, peer);
      peer.users += 1;
      return {
        channel: peer.direct,
        release() {
          peer.users -= 1;
          if (peer.users > 0) return;
          open.delete(key);
          peer.direct.close();
        },
      };
    },
  };
}

/** A watcher gets an event at least this often. Milliseconds. */
const HEARTBEAT_MS = 10_000;

/** Waits until `watcher` is woken, and for ten seconds at most: an event then shows that the stream stands. */
export function woken(
  watcher: { wake: () => void },
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimer(HEARTBEAT_MS, done);
    watcher.wake = done;
    signal.addEventListener('abort', done);
  });
}

/** All that instances answer to a query that ends. */
export async function collect<T>(query: AsyncIterable<Answered<T>>): Promise<Answered<T>> {
  const all: Answered<T> = { answers: [], silent: [] };
  for await (const { answers, silent } of query) {
    all.answers.push(...answers);
    all.silent.push(...silent);
  }
  return all;
}
