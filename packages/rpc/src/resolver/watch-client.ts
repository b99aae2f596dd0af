import type { Instance, Position, WatchRequest, WatchResponse } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Logger } from '../call/index.js';
import { backoffMs, type Clock, type Random, sleep, type Timer } from '../clock/index.js';
import { RpcError, Status } from '../status/index.js';
import { checkCount, EndpointCache, type SavedEndpoints } from './endpoint-cache.js';
import type { ResolverListener, SourceView } from './resolver.js';
import { SourceLog } from './source-log.js';

/** The one method of the registry that a resolver needs, asked of the registry at `address`. */
export type Watch = (
  request: Partial<WatchRequest>,
  options: { readonly signal: AbortSignal; readonly address: string },
) => AsyncIterable<WatchResponse>;

/** What the followers of one resolver share. */
export interface WatchClientOptions {
  readonly watch: Watch;
  /** The registry's addresses: at least one. */
  readonly addresses: readonly string[];
  /** Which of them is asked first: the one that answered last. */
  readonly preferred: { index: number };
  readonly lastKnown: SavedEndpoints | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Told of an instance that can't be spoken with. */
  readonly onUnusable: (instance: Instance) => void;
  /** Told that there are several registries that don't know of each other. */
  readonly onSplit: () => void;
}

/** Half of each wait is certain: a registry that has just failed isn't asked again at once. */
const BACKOFF = { baseMs: 100, maxMs: 3_000, jitter: 'equal' } as const;
/** A watch that stood for so long begins to count anew when it breaks. */
const STEADY_MS = 5_000;
/** A registry speaks every 5 s; one that has missed three times is not there. */
const SILENCE_MS = 15_000;
/** Where there are several registries, one that doesn't begin to answer costs less, the first time. */
const FIRST_ANSWER_MS = 2_000;
/** How long a registry that lags behind may take to catch up: it shares a store with the one that was ahead. */
const LAG_MS = 5_000;
/** Without an answer for so long, what an earlier process knew stands in. */
const RECALL_AFTER_MS = 500;

/** Follows one service at one registry after another, and keeps what it learnt through all of their failures. */
export class WatchClient {
  readonly #service: string;
  readonly #listener: ResolverListener;
  readonly #options: WatchClientOptions;
  readonly #source: SourceLog;
  readonly #known: EndpointCache;
  readonly #epochs = new EpochHistory();
  /** Why each address failed, since there was an answer. */
  readonly #failures = new Map<string, string>();
  /** Whether one of them lagged behind. */
  #lagged = false;
  /** What has come of a snapshot in parts. */
  #parts: readonly Instance[] = [];
  #position: Position | undefined;
  /** Whether the listener knows all that is known here. */
  #told = false;
  #recalling: Promise<void> | undefined;
  #stopped = false;

  constructor(service: string, listener: ResolverListener, options: WatchClientOptions) {
    this.#service = service;
    this.#listener = listener;
    this.#options = options;
    this.#source = new SourceLog({ service, ...options });
    this.#known = new EndpointCache(options.onUnusable);
  }

  view(): SourceView {
    return this.#source.view(this.#position);
  }

  /** Follows until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { addresses, preferred, clock, random } = this.#options;
    const recall = () => void this.#recall(`no answer within ${RECALL_AFTER_MS} ms`);
    const silence = clock.setTimer(RECALL_AFTER_MS, recall);
    const stop = () => {
      this.#stopped = true;
      silence.cancel();
    };
    signal.addEventListener('abort', stop, { once: true });
    let failures = 0;
    for (let turn = preferred.index; !signal.aborted; turn += 1) {
      const index = turn % addresses.length;
      const { reason, steady } = await this.#watch(index, signal);
      if (signal.aborted) return;
      await this.#onFailed(addresses[index] ?? '', reason);
      if (steady) failures = 0;
      // All addresses are tried before it waits longer.
      const round = Math.floor(failures / addresses.length);
      failures += 1;
      await sleep(clock, backoffMs(round, { ...BACKOFF, random }), signal).catch(() => undefined);
    }
  }

  /** Follows one stream to its end, and tells why it ended. */
  async #watch(index: number, signal: AbortSignal): Promise<{ readonly reason: string; readonly steady: boolean }> {
    const { watch, addresses, clock } = this.#options;
    const stream = new AbortController();
    const breakOff = () => stream.abort();
    signal.addEventListener('abort', breakOff, { once: true });
    const watchdog = new Watchdog(clock, breakOff);
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
      signal.removeEventListener('abort', breakOff);
    }
  }

  /** Grows with each address that failed: a path may be as slow as that. */
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

  /** @throws Error where the answer is none that a registry gives. */
  #take({ position, warming, event }: WatchResponse, stream: WatchStream): void {
    // A later version's: what it says isn't known here, so its position isn't taken either.
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
    if (!warming && this.#known.confirm()) this.#told = false;
    this.#source.become(warming ? 'warming' : 'connected', { known: this.#known.size });
    this.#tell(departed, warming);
  }

  /** Whether a registry tells of a time that is past: one that lags behind another of the same store. */
  #isBehind({ epoch, revision }: Position): boolean {
    return this.#position !== undefined && epoch === this.#position.epoch && revision < this.#position.revision;
  }

  #onBehind({ revision }: Position, stream: WatchStream): void {
    this.#parts = [];
    if (!stream.lags) stream.watchdog.expect(LAG_MS, 'it lags behind what is known');
    stream.lags = true;
    this.#lagged = true;
    const reason = `${stream.address} is at revision ${revision}, what is known at ${this.#position?.revision}`;
    this.#source.become('stale', { known: this.#known.size, reason });
  }

  #apply(event: NonNullable<WatchResponse['event']>): readonly string[] {
    if (event.$case === 'progress') return [];
    this.#told = false;
    if (event.$case === 'delta') return this.#known.applyDelta(event.value);
    this.#known.applySnapshot(this.#parts);
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

  /** Passes on what has changed. */
  #tell(departed: readonly string[], warming: boolean): void {
    if (warming) void this.#recall('the registry has started empty');
    // A registry that has just started empty can't say that there is nobody.
    if (warming && this.#known.size === 0) {
      if (departed.length > 0) this.#listener.onResolution({ endpoints: [], departed });
      this.#listener.onPending();
      return;
    }
    const { lastKnown } = this.#options;
    if (this.#told) {
      lastKnown?.refresh(this.#service);
      return;
    }
    this.#told = true;
    const endpoints = this.#known.list();
    lastKnown?.save(this.#service, endpoints);
    this.#listener.onResolution({ endpoints, departed });
  }

  async #onFailed(address: string, reason: string): Promise<void> {
    const { addresses } = this.#options;
    this.#failures.set(address, reason);
    if (this.#failures.size < addresses.length) return;
    // None of them is where the one that was ahead had been: what they have is what there is.
    if (this.#lagged) this.#position = undefined;
    const reasons = [...this.#failures].map(([at, why]) => (addresses.length === 1 ? why : `${at}: ${why}`));
    const away = reasons.join('; ');
    await this.#recall(away);
    if (this.#stopped) return;
    if (this.#source.state !== 'last_known') this.#source.become('away', { known: this.#known.size, reason: away });
    this.#listener.onFailure(away);
  }

  /** Lets what an earlier process knew stand in, once, where the registry hasn't said who there is. */
  #recall(reason: string): Promise<void> | undefined {
    if (this.#isInformed()) return undefined;
    this.#recalling ??= this.#recallOnce(reason);
    return this.#recalling;
  }

  #isInformed(): boolean {
    return this.#stopped || (this.#position !== undefined && this.#source.state !== 'warming');
  }

  async #recallOnce(reason: string): Promise<void> {
    const { lastKnown, log } = this.#options;
    const found = await lastKnown?.read(this.#service);
    if (found === undefined || this.#isInformed() || this.#known.recall(found.endpoints) === 0) return;
    const fields = { known: this.#known.size, ageMs: found.ageMs, reason };
    if (this.#source.state !== 'warming') this.#source.become('last_known', fields);
    else log.info({ target: this.#service, ...fields }, 'calls go to the instances that an earlier process knew, too');
    this.#listener.onResolution({ endpoints: this.#known.list(), departed: [] });
  }
}

/** One watch of one registry. */
interface WatchStream {
  readonly index: number;
  readonly address: string;
  readonly watchdog: Watchdog;
  /** When it first said something that was news. */
  answeredAtMs: number | undefined;
  /** Whether it said what was known to be past. */
  lags: boolean;
}

/** Breaks off what says nothing in time. */
class Watchdog {
  readonly #clock: Clock;
  readonly #breakOff: () => void;
  #timer: Timer | undefined;
  #complaint: string | undefined;

  constructor(clock: Clock, breakOff: () => void) {
    this.#clock = clock;
    this.#breakOff = breakOff;
  }

  /** Why it broke off; undefined where it didn't. */
  get complaint(): string | undefined {
    return this.#complaint;
  }

  /** Waits anew, for `withinMs`; `complaint` is why it then breaks off. */
  expect(withinMs: number, complaint = `no word within ${withinMs} ms`): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(withinMs, () => {
      this.#complaint = complaint;
      this.#breakOff();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }
}

const KEPT = 8;

/** The epochs that a watch went through, latest last. */
class EpochHistory {
  #epochs: readonly bigint[] = [];

  /**
   * Notes the epoch of an answer. Returns whether it is one that had been left for another: a registry that starts again
   * never comes back to an epoch, so there are two registries that don't know of each other.
   */
  returnsTo(epoch: bigint): boolean {
    if (this.#epochs.at(-1) === epoch) return false;
    const returned = this.#epochs.includes(epoch);
    this.#epochs = [...this.#epochs.filter((one) => one !== epoch), epoch].slice(-KEPT);
    return returned;
  }
}

/** Why a watch of the registry at `address` came to nothing, in few words. */
function describeFailure(error: unknown, address: string): string {
  if (!(error instanceof RpcError)) return error instanceof Error ? error.message : String(error);
  if (error.code === Status.UNIMPLEMENTED) return `what answers there is no registry: ${error.message}`;
  // The call's own message also names its service, which is always the registry's, and where it was tried.
  const named = error.message.lastIndexOf(`${address}: `);
  return named < 0 ? error.message : error.message.slice(named + address.length + 2);
}
