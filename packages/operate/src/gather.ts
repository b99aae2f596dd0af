import { isDeepStrictEqual } from 'node:util';
import { Shares } from '@rondo/base';
import type { SilentInstance } from '@rondo/contracts/rondo/gateway/v1/console';
import type { Principal } from '@rondo/rpc/call';
import type { CallOptions, Channel, Endpoint } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { operateErrors, reasonOf } from './errors.js';

/** How instances are found and called. */
export type Reach = Pick<Channel, 'direct' | 'followAll'>;

/** How an instance is called. */
export type AskOptions = Pick<CallOptions, 'principal' | 'timeoutMs'> & { readonly signal: AbortSignal };

/** What instances are asked. */
export interface Query<T> {
  /** Asks one instance. The result ends with its answer. */
  readonly ask: (channel: Channel, options: AskOptions, endpoint: Endpoint) => AsyncIterable<T>;
  /** Which instances are asked. */
  readonly fits?: (endpoint: Endpoint) => boolean;
  /** Whether an instance is asked again when its answer has ended, and new instances when they register. */
  readonly follows: boolean;
  /** Why an instance that doesn't have the service doesn't answer. */
  readonly off?: string;
}

/** What instances have answered, and why others haven't. */
export interface Answered<T> {
  readonly told: T[];
  readonly silent: SilentInstance[];
}

/** What one instance has answered, or why it hasn't. */
interface Told<T> {
  readonly instanceId: string;
  readonly message?: T;
  readonly reason?: string;
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
const AGAIN_MS = 5_000;
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

  async function* ask<T>(query: Query<T>, asker: Asker): AsyncGenerator<Answered<T>> {
    const place = places.of(asker.client ?? '');
    if (!place.hold(1)) throw operateErrors.TOO_MANY_QUESTIONS({ most: MAX_OPEN });
    const gone = new AbortController();
    const signal = AbortSignal.any([asker.signal, gone.signal]);
    const answers = new Answers<T>(signal);
    const { principal } = asker;
    const asking = createAsking(query, { peers, clock, maxAsked, answers, signal, ...(principal && { principal }) });
    const following = channel.followAll({
      onResolution: ({ endpoints }) => asking.list(endpoints),
      onFailure: () => undefined,
      onPending: () => undefined,
    });
    const endsAt = query.follows ? Number.POSITIVE_INFINITY : clock.now() + MAX_MS;
    try {
      while (!signal.aborted && clock.now() < endsAt) {
        if (answers.isEmpty && !asking.isOver) await woken(answers, { clock, signal });
        const told = answers.take();
        if (told.length === 0 && asking.isOver) return;
        yield answered(told);
        if (query.follows) await sleep(clock, PAUSE_MS, signal).catch(() => undefined);
      }
    } finally {
      place.hold(0);
      following.close();
      gone.abort();
    }
  }
  return { ask };
}

/** The answers that aren't taken yet: at most one of each instance, which waits until it is taken. */
class Answers<T> {
  readonly #signal: AbortSignal;
  #waiting: { readonly told: Told<T>; readonly taken: () => void }[] = [];
  wake: () => void = () => undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.take(), { once: true });
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  async add(told: Told<T>): Promise<void> {
    if (this.#signal.aborted) return;
    await new Promise<void>((taken) => {
      this.#waiting.push({ told, taken });
      this.wake();
    });
  }

  take(): readonly Told<T>[] {
    const all = this.#waiting;
    this.#waiting = [];
    for (const { taken } of all) taken();
    return all.map(({ told }) => told);
  }
}

interface Surroundings<T> {
  readonly peers: ReturnType<typeof createPeers>;
  readonly clock: Clock;
  readonly maxAsked: NonNullable<GathererOptions['maxAsked']>;
  readonly answers: Answers<T>;
  readonly signal: AbortSignal;
  readonly principal?: Principal;
}

/** Asks each instance while it is listed; unless the query follows, each of the first list once. */
function createAsking<T>(query: Query<T>, surroundings: Surroundings<T>) {
  const { answers, clock, maxAsked, signal } = surroundings;
  const { follows, fits = () => true } = query;
  const asked = new Map<string, AbortController>();
  let isOver = false;
  const once = async (endpoints: readonly Endpoint[]) => {
    const left = endpoints.values();
    const endsAt = clock.now() + ONCE_MS;
    const some = async () => {
      for (const endpoint of left) {
        if (clock.now() < endsAt) await askInstance(query, endpoint, { ...surroundings, signal });
        else await answers.add({ instanceId: endpoint.instanceId, reason: 'the others have taken too long' });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, some));
    isOver = true;
    answers.wake();
  };
  return {
    get isOver() {
      return isOver;
    },
    list(all: readonly Endpoint[]): void {
      const most = follows ? maxAsked.following : maxAsked.once;
      const endpoints = all.filter(fits).slice(0, most);
      if (!follows && asked.size > 0) return;
      const keys = new Map(endpoints.map((endpoint) => [`${endpoint.instanceId} ${endpoint.address}`, endpoint]));
      for (const [key, before] of asked) {
        if (keys.has(key)) continue;
        before.abort();
        asked.delete(key);
      }
      const fresh = [...keys].filter(([key]) => !asked.has(key));
      for (const [key, endpoint] of fresh) {
        const gone = new AbortController();
        asked.set(key, gone);
        if (!follows) continue;
        void askInstance(query, endpoint, { ...surroundings, signal: AbortSignal.any([signal, gone.signal]) });
      }
      if (!follows) void once(endpoints);
    },
  };
}

/** Asks one instance, once or until `signal` aborts. It doesn't throw. */
async function askInstance<T>(
  { ask, follows, off }: Query<T>,
  endpoint: Endpoint,
  { peers, clock, answers, maxAsked: _, ...options }: Surroundings<T>,
): Promise<void> {
  const { instanceId } = endpoint;
  const { signal } = options;
  const peer = peers.take(endpoint);
  try {
    do {
      const attempt = new AbortController();
      const within = follows ? {} : { timeoutMs: ANSWER_MS };
      const until = { ...options, ...within, signal: AbortSignal.any([signal, attempt.signal]) };
      try {
        for await (const message of ask(peer.channel, until, endpoint)) await answers.add({ instanceId, message });
      } catch (error) {
        if (!signal.aborted) await answers.add({ instanceId, reason: whySilent(error, off) });
      } finally {
        // Also ends the other calls of the query.
        attempt.abort();
      }
      if (follows) await sleep(clock, AGAIN_MS, signal).catch(() => undefined);
    } while (follows && !signal.aborted);
  } finally {
    peer.release();
  }
}

function whySilent(error: unknown, off: string | undefined): string {
  if (off !== undefined && error instanceof RpcError && error.code === Status.UNIMPLEMENTED) return off;
  return reasonOf(error).slice(0, MAX_REASON);
}

const EVERY_MS = 2_000;

/** Yields what is read every two seconds, when it has changed: of contracts without a watch. */
export async function* changesOf<T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  read: () => Promise<T>,
): AsyncGenerator<T> {
  for (let before: T | undefined; !signal.aborted; await sleep(clock, EVERY_MS, signal).catch(() => undefined)) {
    const now = await read();
    if (!isDeepStrictEqual(now, before)) yield now;
    before = now;
  }
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

function answered<T>(all: readonly Told<T>[]): Answered<T> {
  return {
    told: all.map(({ message }) => message).filter((message) => message !== undefined),
    silent: all.flatMap(({ instanceId, reason }) => (reason === undefined ? [] : [{ instanceId, reason }])),
  };
}

/** A connection to one instance, until it is released. */
interface Peer {
  readonly channel: Channel;
  release(): void;
}

/** Connections to single instances. Users of the same instance share one. */
function createPeers(channel: Pick<Channel, 'direct'>): { take(endpoint: Endpoint): Peer } {
  const open = new Map<string, { readonly direct: Channel; users: number }>();
  return {
    take(endpoint) {
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
export async function collect<T>(answers: AsyncIterable<Answered<T>>): Promise<Answered<T>> {
  const all: Answered<T> = { told: [], silent: [] };
  for await (const { told, silent } of answers) {
    all.told.push(...told);
    all.silent.push(...silent);
  }
  return all;
}
