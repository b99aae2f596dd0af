import type { Clock, Random } from '@rondo/rpc/clock';
import { StoreClosed } from '../../domain/errors.js';
import { PROGRESS_INTERVAL_MS } from '../../domain/limits.js';
import type { Position } from '../../domain/position.js';
import type { WatchQuery } from '../../domain/store.js';
import type { WatchEvent } from '../../domain/watch-event.js';
import type { Catalog } from './catalog.js';
import { shared } from './shared-events.js';
import type { View, Watcher } from './view.js';

/** Where a watch gets what it says. */
export interface WatchSource {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a watch rests after it told of changes. */
  readonly restMs: number;
  /** Whether the store is warming right now. */
  warming(): boolean;
}

/** The place of a watcher that knows nothing: before every history. */
const NOWHERE = -1n;
const DONE = { done: true, value: undefined } as const;

/**
 * One watcher's place in a view. It holds no events: each pull reads what the view has behind that place, so that a
 * slow watcher is told the latest states, and costs nothing in between.
 */
export class Watch implements AsyncIterator<WatchEvent>, Watcher {
  readonly #source: WatchSource;
  readonly #query: WatchQuery;
  readonly #view: View;
  readonly #onEnd: () => void;
  /** Everything up to this revision was told. */
  #told: bigint;
  /** Since when, and how far, the snapshot goes that is being told. */
  #snapshot: { readonly since: bigint; readonly told: bigint } | undefined;
  #silent = true;
  #ended: 'done' | 'closed' | undefined;
  #settle: ((woken: boolean) => void) | undefined;
  #restsUntilMs = 0;
  #resting = false;

  /**
   * @param query its signal has not aborted yet.
   * @param onEnd runs once, when the watch has let go of everything.
   */
  constructor(source: WatchSource, query: WatchQuery, onEnd: () => void) {
    this.#source = source;
    this.#query = query;
    this.#onEnd = onEnd;
    this.#told = placeOf(query.resumeFrom, source.catalog.position);
    this.#view = source.catalog.watch(query.service, this);
    query.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  async next(): Promise<IteratorResult<WatchEvent, undefined>> {
    for (let woken = true; this.#ended === undefined; woken = await this.#change()) {
      const restMs = this.#restsUntilMs - this.#source.clock.now();
      if (restMs > 0) await this.#rest(restMs);
      if (this.#ended !== undefined) break;
      const event = this.#take() ?? (this.#silent || !woken ? this.#progress() : undefined);
      if (event === undefined) continue;
      this.#silent = false;
      return { done: false, value: event };
    }
    if (this.#ended === 'closed') throw new StoreClosed();
    return DONE;
  }

  async return(): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#end('done');
    return DONE;
  }

  /** Has the pull that waits, if one does, look for changes; one that rests does so by itself. */
  wake(): void {
    if (!this.#resting) this.#settle?.(true);
  }

  /** Ends the watch as the store does. */
  close(): void {
    this.#end('closed');
  }

  #take(): WatchEvent | undefined {
    const { catalog } = this.#source;
    if (this.#snapshot === undefined && this.#told < catalog.historyStart) {
      this.#snapshot = { since: catalog.position.revision, told: 0n };
    }
    return this.#snapshot === undefined ? this.#takeDelta() : this.#takeSnapshot(this.#snapshot);
  }

  /**
   * The next part of a snapshot. What changes between two parts moves to the end of the view and comes with the last,
   * and all that happened since the first part is told once more as a delta: so the parts need no frozen copy.
   */
  #takeSnapshot({ since, told }: { since: bigint; told: bigint }): WatchEvent {
    const slice = this.#view.lacking(told);
    const { upserts: instances, last, more } = slice;
    const warming = this.#source.warming();
    if (more) {
      this.#snapshot = { since, told: last };
      return shared(slice, { kind: 'snapshot-part', instances, warming });
    }
    this.#snapshot = undefined;
    this.#toldAll(since);
    return shared(slice, { kind: 'snapshot', instances, position: this.#position(), warming });
  }

  #takeDelta(): WatchEvent | undefined {
    const slice = this.#view.lacking(this.#told);
    const { upserts, removals, last, more } = slice;
    if (last === 0n) return undefined;
    if (more) this.#told = last;
    else this.#toldAll(this.#source.catalog.position.revision);
    const warming = this.#source.warming();
    return shared(slice, { kind: 'delta', upserts, removals, position: this.#position(), warming });
  }

  #progress(): WatchEvent {
    this.#told = this.#source.catalog.position.revision;
    return { kind: 'progress', position: this.#position(), warming: this.#source.warming() };
  }

  #toldAll(revision: bigint): void {
    const { clock, restMs } = this.#source;
    this.#told = revision;
    this.#restsUntilMs = clock.now() + restMs;
  }

  #position(): Position {
    return { epoch: this.#source.catalog.position.epoch, revision: this.#told };
  }

  /** Resolves to true when woken, to false when the time for a mark has come. Jitter keeps watchers from marching. */
  #change(): Promise<boolean> {
    return this.#pause(PROGRESS_INTERVAL_MS * (0.8 + 0.2 * this.#source.random.next()));
  }

  async #rest(restMs: number): Promise<void> {
    this.#resting = true;
    await this.#pause(restMs);
    this.#resting = false;
  }

  #pause(delayMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (woken: boolean) => {
        this.#settle = undefined;
        timer.cancel();
        resolve(woken);
      };
      const timer = this.#source.clock.setTimer(delayMs, () => settle(false));
      this.#settle = settle;
    });
  }

  readonly #onAbort = (): void => this.#end('done');

  #end(how: 'done' | 'closed'): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    this.#query.signal.removeEventListener('abort', this.#onAbort);
    this.#source.catalog.unwatch(this.#query.service, this);
    this.#onEnd();
    this.#settle?.(true);
  }
}

function placeOf(resumeFrom: Position | undefined, { epoch, revision }: Position): bigint {
  return resumeFrom?.epoch === epoch && resumeFrom.revision >= 0n && resumeFrom.revision <= revision
    ? resumeFrom.revision
    : NOWHERE;
}
