import type { ClientCall } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import type { Method, Reply } from '@rondo/rpc/internal';
import type { Next } from '@rondo/rpc/middleware';
import type { CacheMetrics, MethodCounts } from './metrics.js';
import { LEASE_MS } from './shared/shared-store.js';

/** What a cache knows of one method. */
export interface MethodState extends MethodCounts {
  /** The beginning of the keys of all that is kept now. */
  readonly prefix: string;
  /** Whether a request has several answers, by its metadata or its principal. */
  readonly varies: boolean;
  /** An answer belongs to a principal. */
  varied(): void;
  /** Whether all kept answers are known by their resources. */
  readonly tags: boolean;
  /** An answer isn't known by its resource. */
  untagged(): void;
  /**
   * Until when the shared store may have answers that no longer hold, and isn't asked. Milliseconds by the cache's clock; 0 if
   * it is trusted.
   */
  readonly distrustedUntil: number;
  /** Ignores the present answers in the shared store. */
  distrust(): void;
  /** Drops all cached answers: keys get a new prefix, so that answers in flight aren't found either. */
  forget(): void;
}

export interface Methods {
  of(method: Method): MethodState;
  /** The methods whose answers end by this feed. */
  withFeed(service: string, feed: string): readonly MethodState[];
  /** Makes a call that may change something: then nothing that is kept of its package holds (RFC 9111, section 4.4). */
  aroundWrite(call: ClientCall, next: Next<ClientCall>): Promise<Reply>;
}

export function createMethods(metrics: CacheMetrics, clock: Clock): Methods {
  /** A look-up by the method's object is the fastest. Each new client has other objects, so the states have names too. */
  const known = new WeakMap<Method, MethodState>();
  const byName = new Map<string, MethodState>();
  const byFeed = new Map<string, MethodState[]>();
  const byPackage = new Map<string, MethodState[]>();

  const create = (method: Method, id: number): MethodState => {
    const state = createState(method, { id, clock, counts: metrics.of(method.path) });
    byName.set(nameOf(method), state);
    const { feed } = method.policy.cache ?? {};
    if (feed !== undefined) addTo(byFeed, `${method.service} ${feed.method}`, state);
    addTo(byPackage, packageOf(method), state);
    return state;
  };
  return {
    of(method) {
      let state = known.get(method);
      if (state !== undefined) return state;
      state = byName.get(nameOf(method)) ?? create(method, byName.size);
      known.set(method, state);
      return state;
    },
    withFeed: (service, feed) => byFeed.get(`${service} ${feed}`) ?? [],
    aroundWrite(call, next) {
      const states = byPackage.get(packageOf(call.method));
      if (states === undefined) return next(call);
      const forget = () => {
        for (const state of states) state.forget();
      };
      // Before it, because the write takes effect before its reply arrives; after it, because reads may have come between.
      forget();
      return next(call).finally(forget);
    },
  };
}

function addTo<T>(lists: Map<string, T[]>, key: string, item: T): void {
  lists.set(key, [...(lists.get(key) ?? []), item]);
}

/** The services of one package share what they store, as a rule: an order changes the stock of a product. */
function packageOf(method: Method): string {
  let name = packages.get(method);
  if (name === undefined) {
    name = method.service.slice(0, method.service.lastIndexOf('.'));
    packages.set(method, name);
  }
  return name;
}

/** Each call that writes asks for its package. */
const packages = new WeakMap<Method, string>();

const nameOf = ({ service, path }: Method) => `${service}${path}`;

function createState(
  { policy }: Method,
  { id, clock, counts }: { readonly id: number; readonly clock: Clock; readonly counts: MethodCounts },
): MethodState {
  let generation = 0;
  let prefix = `${id}.0 `;
  let tags = true;
  let varies = (policy.cache?.vary.length ?? 0) > 0;
  let distrustedUntil = 0;
  const distrust = () => {
    distrustedUntil = clock.now() + (policy.cache?.ttlMs ?? 0) + LEASE_MS;
  };
  return {
    get prefix() {
      return prefix;
    },
    get varies() {
      return varies;
    },
    varied() {
      varies = true;
    },
    get tags() {
      return tags;
    },
    untagged() {
      tags = false;
    },
    get distrustedUntil() {
      return distrustedUntil;
    },
    distrust,
    forget() {
      generation += 1;
      prefix = `${id}.${generation} `;
      tags = true;
      distrust();
    },
    count: counts.count,
  };
}
