import type { Meter } from '@opentelemetry/api';
import { type Logger, runOutsideScope } from '@rondo/rpc/call';
import type { Channel, ClientCall } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { answeredBy, bindingOf, encodeMessage, type Method, type Reply } from '@rondo/rpc/internal';
import type { Middleware, Next } from '@rondo/rpc/middleware';
import { replyOf } from './answer.js';
import type { FeedView } from './feed.js';
import { createFeeds } from './feeds.js';
import { type Fill, type Flight, startFlight } from './flight.js';
import { keyOf, resourceOf, textOf, wantsNew } from './key.js';
import { createMemory, type Memory } from './memory.js';
import { createMethods, type MethodState } from './methods.js';
import { createMetrics, meterFeeds } from './metrics.js';
import { createSecondLevel, type SecondLevel, type SharedOptions } from './shared/second-level.js';

/** A method of a client with one request and one reply, such as `products.getProduct`. */
export type UnaryCall<R> = (request: R) => Promise<unknown>;

/** Calls `call` with each of the requests, in the background. If too many requests wait, further ones are dropped. */
export type Prefetch = <R>(call: UnaryCall<R>, requests: readonly NoInfer<R>[]) => void;

/** The answers that a process keeps of the calls over one channel. */
export interface ResponseCache {
  /** For `ChannelOptions.wireMiddleware`. */
  readonly middleware: Middleware<ClientCall>;
  /**
   * Gives the cache the channel that it belongs to, which it needs to follow the change feeds that contracts name.
   * Without a channel, answers of methods with a feed aren't cached.
   */
  attach(channel: Channel): void;
  /**
   * Removes a method's cached answers: that of one request, or all. The next call reaches the service. A call in
   * flight still answers its waiting callers, but its answer isn't cached.
   *
   * @throws TypeError if `call` isn't a method of a client.
   */
  invalidate<R>(call: UnaryCall<R>, request?: NoInfer<R>): void;
  /**
   * Fetches answers that will be needed soon, in the background, a few at a time. A request whose answer is cached
   * costs no call. A failure is left to the call that needs the answer.
   */
  prefetch: Prefetch;
  /** The feeds of changes that it follows, or tries to. */
  feeds(): readonly FeedView[];
  /** Forgets everything. */
  close(): void;
}

/** Options of {@link createCache}. */
export interface CacheOptions {
  readonly clock: Clock;
  readonly meter: Meter;
  /** The most bytes that all kept answers take, with their keys. */
  readonly maxBytes: number;
  /** The second level: a store of all replicas. None by default. */
  readonly shared?: SharedOptions | undefined;
  /** Whether answers of a service may be cached now. By default they always may. */
  readonly keeps?: ((service: string) => boolean) | undefined;
  /**
   * The name of this process. With mutual TLS it watches feeds on its own behalf, as a principal with the scopes that the cached
   * methods need. Without a name, a feed that needs scopes is not followed.
   */
  readonly self?: string | undefined;
  /** Gets a warning if a feed can't be followed. */
  readonly log?: Logger | undefined;
}

/** The most calls in the background that get a new answer in place of a stale one. */
const MAX_REFRESHES = 64;

/** Creates the cache of a channel. It caches the answers of methods whose contracts have `cache`. */
export function createCache(options: CacheOptions): ResponseCache {
  const { clock, meter, maxBytes, shared, keeps = () => true, self, log } = options;
  const memory = createMemory(maxBytes);
  const metrics = createMetrics(meter, memory);
  const methods = createMethods(metrics, clock);
  const second = shared && createSecondLevel(shared, { clock, meter });
  const calls = new CachedCalls({ clock, memory, second, onRefreshFailed: metrics.refreshFailed });
  const feeds = createFeeds({
    self,
    log,
    onChange: (service, method, resource) => {
      for (const state of methods.withFeed(service, method)) calls.forgetResource(state, resource);
    },
    onBreak: (service, method) => {
      for (const state of methods.withFeed(service, method)) state.forget();
    },
  });
  meterFeeds(meter, feeds.inspect);
  const middleware: Middleware<ClientCall> = (call, next) => {
    const { policy } = call.method;
    if (policy.cache !== undefined) {
      const state = methods.of(call.method);
      const keeping = keeps(call.method.service);
      // What was kept before would be older than what callers get meanwhile.
      if (!keeping) state.forget();
      else if (feeds.isCurrent(call.method)) return calls.answer(call, next, state);
      state.count('bypass');
      return next(call);
    }
    return policy.idempotency === 'no_side_effects' ? next(call) : methods.aroundWrite(call, next);
  };
  return {
    middleware,
    attach: feeds.attach,
    invalidate(call, request) {
      const { method } = bindingOf(call);
      const state = methods.of(method);
      if (request === undefined) state.forget();
      else calls.forget(method, requestText(method, request), state);
    },
    prefetch: createPrefetch(),
    feeds: feeds.inspect,
    close() {
      feeds.close();
      memory.clear();
      shared?.store.close();
    },
  };
}

function requestText({ requestType }: Method, request: unknown): string {
  if (typeof request !== 'object' || request === null) throw new TypeError('the request must be an object');
  return textOf(encodeMessage(requestType, requestType.fromPartial(request)));
}

/** What calls of methods with a cache share. */
interface Shared {
  readonly clock: Clock;
  readonly memory: Memory;
  readonly second: SecondLevel | undefined;
  readonly onRefreshFailed: (path: string) => void;
}

/** Which answer a call wants. */
interface Wanted {
  readonly key: string;
  /** The key without its method; undefined if the call has to be made. */
  readonly rest: string | undefined;
  readonly state: MethodState;
}

class CachedCalls {
  readonly #shared: Shared;
  /** The calls that are under way, by key. */
  readonly #flights = new Map<string, Flight>();
  #refreshes = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  answer(call: ClientCall, next: Next<ClientCall>, state: MethodState): Promise<Reply> {
    const { options, method, metadata } = call;
    const { cache } = method.policy;
    // A caller that names an instance, or asks where the time goes, wants this very call.
    const own = cache === undefined || options.instance !== undefined || options.onTiming !== undefined;
    const rest = own ? undefined : keyOf(call, cache.vary);
    if (rest === undefined) {
      state.count('bypass');
      return next(call);
    }
    if (call.principal !== undefined) state.varied();
    const key = `${state.prefix}${rest}`;
    const insists = !metadata.isEmpty && wantsNew(metadata);
    if (insists) this.#forgetKey(key);
    const kept = this.#shared.memory.get(key);
    const now = this.#shared.clock.now();
    if (kept === undefined || now >= kept.staleUntil) {
      return this.#share(call, next, { key, rest: insists ? undefined : rest, state });
    }
    const stale = now >= kept.freshUntil;
    if (stale) this.#refresh(call, next, { key, rest, state });
    state.count(stale ? 'stale' : 'hit');
    return Promise.resolve(replyOf(call, kept, stale ? 'stale' : 'hit'));
  }

  /** Forgets all variants of a request. */
  forget(method: Method, text: string, state: MethodState): void {
    const key = `${state.prefix}${text}`;
    this.#forgetKey(key);
    if (!state.varies) {
      this.#shared.second?.remove(method, text, state);
      return;
    }
    // The store can't list the variants.
    state.distrust();
    this.#shared.memory.deletePrefix(`${key}\n`);
    for (const one of [...this.#flights.keys()]) if (one.startsWith(`${key}\n`)) this.#flights.delete(one);
  }

  /** Forgets the answers about a resource, or all if they aren't known by resource. */
  forgetResource(state: MethodState, resource: string): void {
    if (!state.tags) {
      state.forget();
      return;
    }
    const tag = tagOf(state, resource);
    this.#shared.memory.deleteTagged(tag);
    for (const [key, flight] of [...this.#flights]) if (flight.tag === tag) this.#flights.delete(key);
  }

  #forgetKey(key: string): void {
    this.#shared.memory.delete(key);
    this.#flights.delete(key);
  }

  /** Waits for the call under way with this key, or makes it. */
  async #share(call: ClientCall, next: Next<ClientCall>, to: Wanted): Promise<Reply> {
    const { key, state } = to;
    const known = this.#flights.get(key);
    const flight = known ?? this.#start(call, next, { ...to, background: false });
    state.count(known === undefined ? 'miss' : 'shared');
    try {
      const { kept, reply } = await flight.join(call);
      if (known !== undefined) return replyOf(call, kept, 'shared');
      if (reply === undefined) return replyOf(call, kept, 'stored');
      answeredBy(call, kept.from);
      return reply;
    } catch (error) {
      // It was another caller's deadline that has passed.
      if (flight.endedBefore(call, error) && call.context.reason === undefined) return this.answer(call, next, state);
      throw error;
    }
  }

  #start(call: ClientCall, next: Next<ClientCall>, wanted: Wanted & { readonly background: boolean }): Flight {
    const { key, rest, state, background } = wanted;
    const { clock, memory, second } = this.#shared;
    const { feed } = call.method.policy.cache ?? {};
    const resource = feed?.key === undefined ? undefined : resourceOf(call, feed.key);
    // An answer whose resource isn't known ends with any change.
    if (feed !== undefined && resource === undefined) state.untagged();
    const tag = resource === undefined ? undefined : tagOf(state, resource);
    const isCurrent = () => this.#flights.get(key) === flight;
    const fill: Fill = async (request) => {
      try {
        // A feed tells this process of changes, and not of what the store had before it began.
        const own = second === undefined || rest === undefined || feed !== undefined;
        const landed = await (own ? request() : second.fetch({ call, rest, state }, request));
        if (isCurrent()) memory.set(key, landed.kept);
        return landed;
      } finally {
        if (isCurrent()) this.#flights.delete(key);
      }
    };
    const onLeft = () => {
      if (isCurrent()) this.#flights.delete(key);
    };
    const flight: Flight = startFlight(call, next, { clock, fill, background, tag, onLeft });
    this.#flights.set(key, flight);
    return flight;
  }

  #refresh(call: ClientCall, next: Next<ClientCall>, wanted: Wanted): void {
    if (this.#refreshes >= MAX_REFRESHES || this.#flights.has(wanted.key)) return;
    this.#refreshes += 1;
    const { path } = call.method;
    const done = () => {
      this.#refreshes -= 1;
    };
    this.#start(call, next, { ...wanted, background: true })
      .landed.catch(() => this.#shared.onRefreshFailed(path))
      .then(done, done);
  }
}

const tagOf = ({ prefix }: MethodState, resource: string) => `${prefix}${resource}`;

/** How many requests are under way at a time, so that calls that are needed now come first. */
const MAX_CALLS = 4;
const MAX_WAITING = 256;

function createPrefetch(): Prefetch {
  const waiting: (() => Promise<unknown>)[] = [];
  let running = 0;
  const run = (): void => {
    while (running < MAX_CALLS) {
      const call = waiting.shift();
      if (call === undefined) return;
      running += 1;
      const done = () => {
        running -= 1;
        run();
      };
      call().then(done, done);
    }
  };
  return (call, requests) => {
    for (const request of requests.slice(0, MAX_WAITING - waiting.length)) waiting.push(async () => call(request));
    // A call of the caller's scope would end with it.
    runOutsideScope(run);
  };
}
