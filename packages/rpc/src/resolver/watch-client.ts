import { backoffMs, type Clock, type Random, sleep, type Timer } from '@rondo/base';
import type { Instance, Position, WatchRequest, WatchResponse } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Logger } from '../call/call.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import type { TlsUse } from './endpoint.js';
import { checkCount, EndpointCache, type SavedEndpoints } from './endpoint-cache.js';
import { ALL_SERVICES, type ResolverListener, type SourceView } from './resolver.js';
import { SourceLog } from './source-log.js';

/** The registry's Watch method, called at the registry at `address`. */
export type Watch = (
  request: Partial<WatchRequest>,
  options: { readonly signal: AbortSignal; readonly address: string },
) => AsyncIterable<WatchResponse>;

/** What the watch clients of one resolver share. */
export interface WatchClientOptions {
  readonly watch: Watch;
  /** The registry's addresses: at least one. */
  readonly addresses: readonly string[];
  /** The index of the address to try first: the one that answered last. */
  readonly preferred: { index: number };
  readonly saved: SavedEndpoints | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Whether this client has mutual TLS, and needs it; undefined if it has none. */
  readonly tls?: TlsUse | undefined;
  /** Runs for an instance that this client can't call. */
  readonly onUnusable: (instance: Instance) => void;
  /** Runs when the addresses turn out to be registries that don't share a store. */
  readonly onSplit: () => void;
}

/** Half of each wait is certain: a registry that has just failed isn't asked again at once. */
const BACKOFF = { baseMs: 100, maxMs: 3_000, jitter: 'equal' } as const;
/** A watch that lasted this long resets the backoff when it breaks. */
const STEADY_MS = 5_000;
/** A registry sends something every 5 s; after three missed messages it counts as away. */
const SILENCE_MS = 15_000;
/** The first time limit for an answer if there are several registries: trying another costs less than waiting. */
const FIRST_ANSWER_MS = 2_000;
/** How long a lagging registry may take to catch up: it shares a store with the one that was ahead. */
const LAG_MS = 5_000;
/** Without an answer for this long, the saved endpoints of an earlier process are used. */
const RECALL_MS = 500;

/**
 * Watches one service, or all. It moves from one registry to the next when one fails, and keeps the known instances through all
 * failures.
 */
export class WatchClient {
  readonly #service: string;
  readonly #listener: ResolverListener;
  readonly #options: WatchClientOptions;
  readonly #source: SourceLog;
  readonly #cache: EndpointCache;
  readonly #epochs = new EpochHistory();
  /** Why each address failed since the last answer. */
  readonly #failures = new Map<string, string>();
  /** Whether one of them was behind the known revision. */
  #lagged = false;
  /** The parts of a snapshot received so far. */
  #parts: readonly Instance[] = [];
  #position: Position | undefined;
  /** Whether the listener has the latest instances. */
  #reported = false;
  #recalling: Promise<void> | undefined;
  #stopped = false;

  constructor(service: string, listener: ResolverListener, options: WatchClientOptions) {
    this.#service = service;
    this.#listener = listener;
    this.#options = options;
    this.#source = new SourceLog({ service: service === ALL_SERVICES ? 'all services' : service, ...options });
    this.#cache = new EndpointCache(options.onUnusable, options.tls);
  }

  view(): SourceView {
    return this.#source.view(this.#position);
  }

  /** Watches until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { addresses, preferred, clock, random } = this.#options;
    const recall = () => void this.#recall(`no answer within ${RECALL_MS} ms`);
    const silence = clock.setTimer(RECALL_MS, recall);
    const stop = () => {
      this.#stopped = true;
      silence.cancel();
    };
    signal.addEventListener('abort', stop, { once: true });
    let failures = 0;
    for (let attempt = preferred.index; !signal.aborted; attempt += 1) {
      const index = attempt % addresses.length;
      const { reason, steady } = await this.#watch(index, signal);
      if (signal.aborted) return;
      await this.#onFailed(addresses[index] ?? '', reason);
      if (steady) failures = 0;
      // Every address is tried once before the wait grows.
      const round = Math.floor(failures / addresses.length);
      failures += 1;
      await sleep(clock, backoffMs(round, { ...BACKOFF, random }), signal).catch(() => undefined);
    }
  }

  /** Reads one stream to its end, and returns why it ended. */
  async #watch(index: number, signal: AbortSignal): Promise<{ readonly reason: string; readonly steady: boolean }> {
    const { watch, addresses, clock } = this.#options;
    const stream = new AbortController();
    const abort = () => stream.abort();
    signal.addEventListener('abort', abort, { once: true });
    const watchdog = new Watchdog(clock, abort);
    const at: WatchStream = { index, address: addresses[index] ?? '', watchdog, answeredAtMs: undefined, lags: false };
    this.#parts = [];
    watchdog.expect(this.#firstAnswerMs());
    try {
      for await (const answer of watch(this.#request(), { signal: stream.signal, address: at.address })) {
        this.#take(answer, at);
      }
      return { reason: 'it ended the watch', steady: this.#isSteady(at) };
    } catch (error) {
      return { reason: watchdog.complaint ?? describeFailure(error, at.address), steady: this.#isSteady(at) };
    } finally {
      watchdog.stop();
      signal.removeEventListener('abort', abort);
    }
  }

  /** Grows with each address that failed, because the network may be slow. */
  #firstAnswerMs(): number {
    const alone = this.#options.addresses.length === 1;
    return alone ? SILENCE_MS : Math.min(SILENCE_MS, FIRST_ANSWER_MS * 2 ** this.#failures.size);
  }

  #isSteady({ answeredAtMs }: WatchStream): boolean {
    return answeredAtMs !== undefined && this.#options.clock.now() - answeredAtMs >= STEADY_MS;
  }

  #request(): Partial<WatchRequest> {
    return this.#position === undefined
      ? { service: this.#service }
      : { service: this.#service, resumeFrom: this.#position };
  }

  /** @throws Error if a registry doesn't send such an answer. */
  #take({ position, warming, event }: WatchResponse, stream: WatchStream): void {
    // An event of a later version can't be applied, so its position isn't taken either.
    if (event === undefined) return;
    if (event.$case === 'snapshot') {
      this.#parts = this.#parts.concat(event.value.instances);
      checkCount(this.#parts.length);
      if (event.value.instances.length > 0) stream.watchdog.expect(SILENCE_MS);
      if (event.value.more) return;
    }
    if (position === undefined) throw new Error('it sent an answer without a position');
    if (this.#isBehind(position)) {
      this.#onBehind(position, stream);
      return;
    }
    stream.watchdog.expect(SILENCE_MS);
    const departed = this.#apply(event);
    this.#position = position;
    this.#onReached(position, stream);
    if (!warming && this.#cache.confirm()) this.#reported = false;
    this.#source.become(warming ? 'warming' : 'connected', { known: this.#cache.size });
    this.#report(departed, warming);
  }

  /**
   * Whether the registry is behind the known revision of the same epoch: it lags behind another replica of the same
   * store.
   */
  #isBehind({ epoch, revision }: Position): boolean {
    return this.#position !== undefined && epoch === this.#position.epoch && revision < this.#position.revision;
  }

  #onBehind({ revision }: Position, stream: WatchStream): void {
    this.#parts = [];
    if (!stream.lags) stream.watchdog.expect(LAG_MS, 'it lags behind the known instances');
    stream.lags = true;
    this.#lagged = true;
    const reason = `${stream.address} is at revision ${revision}, the known instances at ${this.#position?.revision}`;
    this.#source.become('stale', { known: this.#cache.size, reason });
  }

  #apply(event: NonNullable<WatchResponse['event']>): readonly string[] {
    if (event.$case === 'progress') return [];
    this.#reported = false;
    if (event.$case === 'delta') return this.#cache.applyDelta(event.value);
    this.#cache.applySnapshot(this.#parts);
    this.#parts = [];
    return [];
  }

  #onReached({ epoch }: Position, stream: WatchStream): void {
    const { clock, preferred, onSplit } = this.#options;
    this.#source.reached(stream.address, [...this.#failures.values()].at(-1));
    stream.answeredAtMs ??= clock.now();
    preferred.index = stream.index;
    this.#failures.clear();
    this.#lagged = false;
    if (this.#epochs.returnsTo(epoch)) onSplit();
  }

  /** Reports changes to the listener and saves them. */
  #report(departed: readonly string[], warming: boolean): void {
    if (warming) void this.#recall('the registry has started empty');
    // A registry that has just started empty doesn't know whether there are instances.
    if (warming && this.#cache.size === 0) {
      if (departed.length > 0) this.#listener.onResolution({ endpoints: [], departed });
      this.#listener.onPending();
      return;
    }
    const { saved } = this.#options;
    if (this.#reported) {
      saved?.refresh(this.#service);
      return;
    }
    this.#reported = true;
    const endpoints = this.#cache.list();
    saved?.save(this.#service, endpoints);
    this.#listener.onResolution({ endpoints, departed });
  }

  async #onFailed(address: string, reason: string): Promise<void> {
    const { addresses } = this.#options;
    this.#failures.set(address, reason);
    if (this.#failures.size < addresses.length) return;
    // No address has the revision that was known, so the next watch accepts what they have.
    if (this.#lagged) this.#position = undefined;
    const reasons = [...this.#failures].map(([at, why]) => (addresses.length === 1 ? why : `${at}: ${why}`));
    const away = reasons.join('; ');
    await this.#recall(away);
    if (this.#stopped) return;
    if (this.#source.state !== 'last_known') this.#source.become('away', { known: this.#cache.size, reason: away });
    this.#listener.onFailure(away);
  }

  /**
   * Reads the endpoints that an earlier process saved, and uses them if the registry hasn't sent the instances yet. It does
   * so once. Resolves when they are in use; if the storage is slow, it resolves before, and they are used once they are read.
   */
  #recall(reason: string): Promise<void> | undefined {
    if (this.#isInformed()) return undefined;
    this.#recalling ??= new Promise((resolve) => void this.#recallOnce(reason, resolve).then(resolve));
    return this.#recalling;
  }

  #isInformed(): boolean {
    return this.#stopped || (this.#position !== undefined && this.#source.state !== 'warming');
  }

  async #recallOnce(reason: string, onLate: () => void): Promise<void> {
    const { saved, log } = this.#options;
    const found = await saved?.read(this.#service, onLate);
    if (found === undefined || this.#isInformed() || this.#cache.recall(found.endpoints) === 0) return;
    const fields = { known: this.#cache.size, ageMs: found.ageMs, reason };
    if (this.#source.state !== 'warming') this.#source.become('last_known', fields);
    else log.info({ target: this.#service, ...fields }, 'calls also go to the instances that an earlier process saved');
    this.#listener.onResolution({ endpoints: this.#cache.list(), departed: [] });
  }
}

/** One watch of one registry. */
interface WatchStream {
  readonly index: number;
  readonly address: string;
  readonly watchdog: Watchdog;
  /** When it first sent something new. */
  answeredAtMs: number | undefined;
  /** Whether it was behind the known revision. */
  lags: boolean;
}

/** Aborts a stream on which nothing arrives in time. */
class Watchdog {
  readonly #clock: Clock;
  readonly #abort: () => void;
  #timer: Timer | undefined;
  #complaint: string | undefined;

  constructor(clock: Clock, abort: () => void) {
    this.#clock = clock;
    this.#abort = abort;
  }

  /** Why it aborted; undefined if it didn't. */
  get complaint(): string | undefined {
    return this.#complaint;
  }

  /** Restarts the timer with `withinMs`; `complaint` is the reason if it then aborts. */
  expect(withinMs: number, complaint = `nothing received within ${withinMs} ms`): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(withinMs, () => {
      this.#complaint = complaint;
      this.#abort();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}

const KEPT = 8;

/** The last epochs that a watch has seen, the latest last. */
class EpochHistory {
  #epochs: readonly bigint[] = [];

  /**
   * Adds the epoch of an answer. Returns whether the watch has returned to an epoch that it had left. A restarted
   * registry never reuses an epoch, so this means two registries that don't share a store.
   */
  returnsTo(epoch: bigint): boolean {
    if (this.#epochs.at(-1) === epoch) return false;
    const returned = this.#epochs.includes(epoch);
    this.#epochs = [...this.#epochs.filter((one) => one !== epoch), epoch].slice(-KEPT);
    return returned;
  }
}

/** Why a watch of the registry at `address` failed, in few words. */
function describeFailure(error: unknown, address: string): string {
  if (!(error instanceof RpcError)) return error instanceof Error ? error.message : String(error);
  if (error.code === Status.UNIMPLEMENTED) return `the peer there is no registry: ${error.message}`;
  // The call's message also has the service, which is always the registry's, and the addresses tried.
  const named = error.message.lastIndexOf(`${address}: `);
  return named < 0 ? error.message : error.message.slice(named + address.length + 2);
}
