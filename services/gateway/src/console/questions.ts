import { isDeepStrictEqual } from 'node:util';
import { Shares } from '@rondo/base';
import type { SilentInstance } from '@rondo/contracts/rondo/gateway/v1/console';
import type { Principal } from '@rondo/rpc/call';
import type { CallOptions, Channel, Endpoint } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { gatewayErrors } from '../errors.js';
import { woken } from './fleet.js';
import { createPeers } from './peers.js';

/** How an instance is called. */
export type AskOptions = Pick<CallOptions, 'principal' | 'timeoutMs'> & { readonly signal: AbortSignal };

/** What instances are asked. */
export interface Question<T> {
  /** Asks one instance. The result ends with what it tells. */
  readonly ask: (channel: Channel, options: AskOptions, endpoint: Endpoint) => AsyncIterable<T>;
  /** Which instances are asked. */
  readonly fits?: (endpoint: Endpoint) => boolean;
  /** Whether an instance is asked again when its answer has ended, and others as they come. */
  readonly follows: boolean;
  /** Why an instance that doesn't have the service tells nothing. */
  readonly off?: string;
}

/** What instances have told, and why others don't. */
export interface Answered<T> {
  readonly told: T[];
  readonly silent: SilentInstance[];
}

/** What one instance has told, or why it doesn't. */
interface Told<T> {
  readonly instanceId: string;
  readonly message?: T;
  readonly reason?: string;
}

/** On whose behalf instances are asked, and until when. */
export interface Asker {
  readonly signal: AbortSignal;
  readonly principal: Principal | undefined;
  /** Whose share of the places it takes. */
  readonly client: string;
}

/** Asks instances on behalf of operators. */
export interface Questions {
  /** Yields what instances tell, four times a second at most, and nothing after ten seconds without any. */
  ask<T>(question: Question<T>, asker: Asker): AsyncGenerator<Answered<T>>;
}

const MAX_OPEN = 64;
const MAX_ASKED = { once: 1_000, following: 200 };
const AT_ONCE = 32;
/** How long one instance, those that are asked next, and all may take to answer once. */
const [ANSWER_MS, ONCE_MS, MAX_MS] = [3_000, 15_000, 20_000];
const AGAIN_MS = 5_000;
const PAUSE_MS = 250;
const MAX_REASON = 300;

/** Creates what asks instances. Those who ask at the same time share one connection to each. */
export function createQuestions(context: {
  readonly channel: Pick<Channel, 'direct' | 'followAll'>;
  readonly clock: Clock;
}): Questions {
  const { channel, clock } = context;
  const peers = createPeers(channel);
  const places = new Shares(MAX_OPEN);

  async function* ask<T>(question: Question<T>, asker: Asker): AsyncGenerator<Answered<T>> {
    const place = places.of(asker.client);
    if (!place.hold(1)) throw gatewayErrors.TOO_MANY_QUESTIONS({ most: MAX_OPEN });
    const gone = new AbortController();
    const signal = AbortSignal.any([asker.signal, gone.signal]);
    const answers = new Answers<T>(signal);
    const { principal } = asker;
    const asking = createAsking(question, { peers, clock, answers, signal, ...(principal && { principal }) });
    const following = channel.followAll({
      onResolution: ({ endpoints }) => asking.list(endpoints),
      onFailure: () => undefined,
      onPending: () => undefined,
    });
    const endsAt = question.follows ? Number.POSITIVE_INFINITY : clock.now() + MAX_MS;
    try {
      while (!signal.aborted && clock.now() < endsAt) {
        if (answers.isEmpty && !asking.isOver) await woken(answers, { clock, signal });
        const told = answers.take();
        if (told.length === 0 && asking.isOver) return;
        yield answered(told);
        if (question.follows) await sleep(clock, PAUSE_MS, signal).catch(() => undefined);
      }
    } finally {
      place.hold(0);
      following.close();
      gone.abort();
    }
  }
  return { ask };
}

/** What instances have told and is not taken yet: at most one answer of each, which waits until it is taken. */
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
  readonly answers: Answers<T>;
  readonly signal: AbortSignal;
  readonly principal?: Principal;
}

/** Asks each instance while it is listed; unless the question follows, each of the first list once. */
function createAsking<T>(question: Question<T>, surroundings: Surroundings<T>) {
  const { answers, clock, signal } = surroundings;
  const { follows, fits = () => true } = question;
  const asked = new Map<string, AbortController>();
  let isOver = false;
  const once = async (endpoints: readonly Endpoint[]) => {
    const left = endpoints.values();
    const endsAt = clock.now() + ONCE_MS;
    const some = async () => {
      for (const endpoint of left) {
        if (clock.now() < endsAt) await askInstance(question, endpoint, { ...surroundings, signal });
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
      const most = follows ? MAX_ASKED.following : MAX_ASKED.once;
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
        void askInstance(question, endpoint, { ...surroundings, signal: AbortSignal.any([signal, gone.signal]) });
      }
      if (!follows) void once(endpoints);
    },
  };
}

/** Asks one instance, once or until `signal` aborts. It doesn't throw. */
async function askInstance<T>(
  { ask, follows, off }: Question<T>,
  endpoint: Endpoint,
  { peers, clock, answers, ...options }: Surroundings<T>,
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
        if (!signal.aborted) await answers.add({ instanceId, reason: reasonOf(error, off) });
      } finally {
        // Also ends calls that the question has begun beside the one that has failed.
        attempt.abort();
      }
      if (follows) await sleep(clock, AGAIN_MS, signal).catch(() => undefined);
    } while (follows && !signal.aborted);
  } finally {
    peer.release();
  }
}

function reasonOf(error: unknown, off: string | undefined): string {
  if (off !== undefined && error instanceof RpcError && error.code === Status.UNIMPLEMENTED) return off;
  return (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON);
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
