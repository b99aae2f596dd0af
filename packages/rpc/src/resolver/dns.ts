import { isIP } from 'node:net';
import {
  type Backoff,
  backgroundClock,
  type Clock,
  createBackoff,
  type Random,
  systemClock,
  systemRandom,
  type Timer,
} from '@rondo/base';
import { type Logger, silentLogger } from '../call/call.js';
import { runOutsideScope } from '../call/scope.js';
import {
  checkAddresses,
  DnsFailure,
  type DnsLookup,
  describeFailure,
  lookupAt,
  parseDnsTarget,
  systemLookup,
} from './dns-lookup.js';
import { ALL_SERVICES, type Endpoint, type Resolver, type ResolverListener } from './resolver.js';
import { fixedEndpoint, type StaticResolverOptions, staticResolver } from './static.js';

export interface DnsResolverOptions {
  /** How often the name is looked up, whatever the TTL of its records. Milliseconds; 60,000 by default. */
  readonly intervalMs?: number;
  /**
   * The shortest time between a successful lookup and the next one, which comes early if a connection fails.
   * Milliseconds; 30,000 by default, as in gRPC's own DNS resolvers.
   */
  readonly minIntervalMs?: number;
  /** Finds the addresses. Default: as the machine does, with its hosts file; or the DNS server in the target. */
  readonly lookup?: DnsLookup;
  /** What is known of all the servers, besides their addresses. */
  readonly known?: StaticResolverOptions;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

const INTERVAL_MS = 60_000;
const MIN_INTERVAL_MS = 30_000;
/** How long a lookup may take. Milliseconds. */
const LOOKUP_MS = 5_000;
/** The first wait after a lookup that failed. Milliseconds. */
const FIRST_RETRY_MS = 1_000;

/**
 * A resolver for a DNS name with one or more A and AAAA records. Every service is at each of the addresses, which are
 * endpoints of their own, so calls are balanced over them. The name is looked up again at an interval, and earlier if a
 * connection fails. A lookup that fails keeps the addresses known before. An address that isn't listed any more gets no
 * new calls; those in flight go on.
 *
 * @param target `dns:///host:port`, `host:port`, or `dns://server/host:port` to ask that DNS server.
 * @throws TypeError if the target has no host or no port, or if the intervals contradict each other.
 */
export function dnsResolver(target: string, options: DnsResolverOptions = {}): Resolver {
  const { server, host, port } = parseDnsTarget(target);
  const { intervalMs = INTERVAL_MS, minIntervalMs = MIN_INTERVAL_MS, known = {} } = options;
  if (!(minIntervalMs > 0 && intervalMs >= minIntervalMs)) {
    throw new TypeError(
      `intervalMs ${intervalMs} and minIntervalMs ${minIntervalMs}: the second must be above 0, and the first not below it`,
    );
  }
  const toAddress = (ip: string) => (isIP(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`);
  if (isIP(host) !== 0) return staticResolver([toAddress(host)], known);
  const { lookup = server === undefined ? systemLookup : lookupAt(server), random = systemRandom } = options;
  const { clock = systemClock, logger = silentLogger } = options;
  const name = new WatchedName({
    host,
    lookup,
    intervalMs,
    minIntervalMs,
    toEndpoint: (ip) => fixedEndpoint(toAddress(ip), known),
    clock: backgroundClock(clock),
    backoff: createBackoff({ baseMs: FIRST_RETRY_MS, maxMs: intervalMs, random, jitter: 'equal' }),
    log: logger,
  });
  return {
    source: `the DNS name ${host}`,
    remedy: 'check the name, and the DNS server that is asked for it',
    resolve(service, listener) {
      if (service !== ALL_SERVICES) return { close: name.tell(listener) };
      listener.onResolution({ endpoints: [], departed: [] });
      return { close() {} };
    },
    close: () => name.close(),
  };
}

interface WatchedNameOptions {
  readonly host: string;
  readonly lookup: DnsLookup;
  readonly intervalMs: number;
  readonly minIntervalMs: number;
  readonly toEndpoint: (ip: string) => Endpoint;
  readonly clock: Clock;
  readonly backoff: Backoff;
  readonly log: Logger;
}

/** A name that is looked up again and again while it has listeners. All services of a channel share the lookups. */
class WatchedName {
  readonly #options: WatchedNameOptions;
  /** The listeners, and how to stop watching the connections of each. */
  readonly #listeners = new Map<ResolverListener, () => void>();
  /** The known addresses; undefined before the first answer. */
  #endpoints: ReadonlyMap<string, Endpoint> | undefined;
  /** Why the last lookup failed; undefined if it didn't. */
  #failure: string | undefined;
  #lookedUpAt = Number.NEGATIVE_INFINITY;
  #looking: AbortController | undefined;
  #next: { readonly timer: Timer; readonly dueAt: number } | undefined;

  constructor(options: WatchedNameOptions) {
    this.#options = options;
  }

  /** Reports the addresses to `listener`, until the returned function is called. */
  tell(listener: ResolverListener): () => void {
    const unwatch = listener.onChange?.(() => this.#onConnections());
    this.#listeners.set(listener, () => unwatch?.());
    if (this.#endpoints !== undefined) {
      listener.onResolution({ endpoints: [...this.#endpoints.values()], departed: [] });
    } else if (this.#failure !== undefined) listener.onFailure(this.#failure);
    if (this.#looking === undefined && this.#next === undefined) this.#look();
    return () => {
      this.#listeners.get(listener)?.();
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  }

  close(): void {
    for (const unwatch of this.#listeners.values()) unwatch();
    this.#listeners.clear();
    this.#stop();
  }

  /** A listener that comes later starts anew. */
  #stop(): void {
    this.#looking?.abort();
    this.#looking = undefined;
    this.#next?.timer.cancel();
    this.#next = undefined;
    this.#endpoints = undefined;
    this.#failure = undefined;
    this.#options.backoff.reset();
  }

  /** A connection has failed, perhaps. The server may be at another address by now. */
  #onConnections(): void {
    const early = this.#lookedUpAt + this.#options.minIntervalMs;
    if (this.#failure !== undefined || this.#next === undefined || this.#next.dueAt <= early) return;
    if (this.#connectionFailed()) runOutsideScope(() => this.#lookAt(early));
  }

  #connectionFailed(): boolean {
    for (const { instances } of this.#listeners.keys()) if (instances?.all.some(({ failed }) => failed)) return true;
    return false;
  }

  #look(): void {
    const { clock } = this.#options;
    this.#next?.timer.cancel();
    this.#next = undefined;
    const looking = new AbortController();
    this.#looking = looking;
    const settle = (result: readonly string[] | Error) => {
      if (this.#looking !== looking) return;
      this.#looking = undefined;
      looking.abort();
      this.#lookedUpAt = clock.now();
      this.#onResult(result);
    };
    const late = clock.setTimer(LOOKUP_MS, () => settle(new DnsFailure(`no answer within ${LOOKUP_MS} ms`)));
    looking.signal.addEventListener('abort', () => late.cancel(), { once: true });
    void this.#addresses(looking.signal).then(settle);
  }

  async #addresses(signal: AbortSignal): Promise<readonly string[] | Error> {
    const { host, lookup } = this.#options;
    try {
      return checkAddresses(await lookup(host, signal));
    } catch (error) {
      return new DnsFailure(describeFailure(error));
    }
  }

  #onResult(result: readonly string[] | Error): void {
    const { intervalMs, minIntervalMs, backoff } = this.#options;
    if (result instanceof Error) {
      this.#onFailure(result.message);
      this.#lookAt(this.#lookedUpAt + backoff.nextMs());
      return;
    }
    backoff.reset();
    this.#onAnswer(result);
    this.#lookAt(this.#lookedUpAt + (this.#connectionFailed() ? minIntervalMs : intervalMs));
  }

  #lookAt(dueAt: number): void {
    const { clock } = this.#options;
    this.#next?.timer.cancel();
    if (this.#listeners.size === 0) return;
    this.#next = { timer: clock.setTimer(dueAt - clock.now(), () => this.#look()), dueAt };
  }

  #onFailure(reason: string): void {
    const { host, log } = this.#options;
    if (this.#failure === undefined) {
      const known = this.#endpoints?.size ?? 0;
      log.warn({ host, reason, known }, "a name can't be resolved: calls go on to the addresses known before");
    }
    this.#failure = reason;
    for (const listener of this.#listeners.keys()) listener.onFailure(reason);
  }

  #onAnswer(ips: readonly string[]): void {
    const { host, log, toEndpoint } = this.#options;
    if (this.#failure !== undefined) log.info({ host }, 'the name is resolved again');
    this.#failure = undefined;
    const before = this.#endpoints ?? new Map<string, Endpoint>();
    const now = new Map(ips.map((ip) => [ip, before.get(ip) ?? toEndpoint(ip)]));
    const departed = [...before].filter(([ip]) => !now.has(ip)).map(([, { instanceId }]) => instanceId);
    const unchanged = departed.length === 0 && now.size === before.size;
    this.#endpoints = now;
    if (unchanged) return;
    for (const listener of this.#listeners.keys()) listener.onResolution({ endpoints: [...now.values()], departed });
  }
}
