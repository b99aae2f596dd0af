import { createPace } from '@rondo/registries';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, type createBackoff, sleep } from '@rondo/rpc/clock';
import type { ResolverListener } from '@rondo/rpc/internal';
import { ApiError, type SlicesApi, WATCH_SECONDS } from './api.js';
import { metaOf } from './slice.js';
import { Slices, type SlicesOptions } from './slices.js';

/** Options of {@link SlicesWatch}. */
export interface SlicesWatchOptions extends SlicesOptions {
  readonly api: SlicesApi;
  /** The gRPC service, for the log. */
  readonly service: string;
  readonly selector: string;
  readonly listener: ResolverListener;
  readonly clock: Clock;
  readonly backoff: ReturnType<typeof createBackoff>;
  readonly log: Logger;
}

/** How long a list may take. Milliseconds. */
const LIST_MS = 30_000;
/** How long a watch may take: the API server ends it sooner, if it is there. Milliseconds. */
const WATCH_MS = (WATCH_SECONDS + 15) * 1_000;
/** A watch that ends sooner is followed by a pause. Milliseconds. */
const SHORT_WATCH_MS = 1_000;
/** Further events of a watch wait. */
const EVENTS_A_SECOND = 100;
/** The API server has forgotten the revision that a watch goes on from. */
const GONE = 410;

/**
 * Lists the slices that a selector selects, and follows their changes until it is closed. While the API server is away, or refuses,
 * what is known stays.
 *
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export class SlicesWatch {
  readonly #options: SlicesWatchOptions;
  readonly #slices: Slices;
  readonly #closing = new AbortController();
  /** What the next watch goes on from; undefined if a list comes first. */
  #revision: string | undefined;
  #failure: string | undefined;

  constructor(options: SlicesWatchOptions) {
    this.#options = options;
    this.#slices = new Slices(options);
  }

  close(): void {
    this.#closing.abort();
  }

  /** Runs until it is closed. Never rejects. */
  async run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        if (this.#revision === undefined) await this.#list();
        const began = clock.now();
        await this.#watch(this.#revision ?? '');
        if (clock.now() - began < SHORT_WATCH_MS) await this.#pause();
      } catch (error) {
        if (signal.aborted) return;
        // After a refusal nothing is sure; after a broken connection the watch goes on where it was.
        if (error instanceof ApiError) this.#revision = undefined;
        const isGone = error instanceof ApiError && error.status === GONE;
        if (!isGone) this.#fail(error instanceof Error ? error.message : String(error));
        await this.#pause();
      }
    }
  }

  async #pause(): Promise<void> {
    const { clock, backoff } = this.#options;
    await sleep(clock, backoff.nextMs(), this.#closing.signal).catch(() => undefined);
  }

  #list(): Promise<void> {
    const { api, selector, listener } = this.#options;
    return this.#within(LIST_MS, async (signal) => {
      const { slices, revision } = await api.list(selector, signal);
      this.#revision = revision;
      listener.onResolution(this.#slices.replace(slices));
    });
  }

  #watch(revision: string): Promise<void> {
    const { api, selector, listener, clock } = this.#options;
    const pace = createPace(EVENTS_A_SECOND, clock);
    return this.#within(WATCH_MS, async (signal) => {
      for await (const event of api.watch(selector, revision, signal)) {
        this.#answered();
        this.#revision = metaOf(event.object).revision;
        const resolution = this.#slices.apply(event);
        if (resolution !== undefined) listener.onResolution(resolution);
        await pace(signal);
      }
    });
  }

  async #within(ms: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const late = new AbortController();
    const timer = this.#options.clock.setTimer(ms, () => late.abort(new Error(`no answer within ${ms} ms`)));
    try {
      await work(AbortSignal.any([late.signal, this.#closing.signal]));
    } catch (error) {
      late.signal.throwIfAborted();
      throw error;
    } finally {
      timer.cancel();
    }
  }

  #answered(): void {
    const { log, service, backoff } = this.#options;
    backoff.reset();
    if (this.#failure !== undefined) log.info({ target: service }, 'the API server is back');
    this.#failure = undefined;
  }

  #fail(reason: string): void {
    const { log, service, listener } = this.#options;
    const known = this.#slices.size;
    if (this.#failure === undefined) {
      log.warn({ target: service, reason, known }, 'the API server is away: calls go on to the known instances');
    }
    this.#failure = reason;
    listener.onFailure(reason);
  }
}
