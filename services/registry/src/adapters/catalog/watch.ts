import type { Clock, Random } from '@rondo/rpc/clock';
import { LimitReached, StoreClosed } from '../../domain/errors.js';
import { PROGRESS_INTERVAL_MS } from '../../domain/limits.js';
import type { Position, WatchEvent, WatchQuery } from '../../domain/store.js';
import type { Catalog } from './catalog.js';
import type { Slice, View, Watcher } from './view.js';

/** The open watches, at most `limit` at a time. */
export class Watches {
  readonly #source: WatchSource;
  readonly #limit: number;
  readonly #open = new Set<Watch>();
  #closed = false;

  constructor(source: WatchSource, limit: number) {
    this.#source = source;
    this.#limit = limit;
  }

  /** The number of open watches. */
  get size(): number {
    return this.#open.size;
  }

  /** Returns a watch that opens on its first pull. Until then it holds nothing. */
  open(query: WatchQuery): AsyncIterable<WatchEvent> {
    return {
      [Symbol.asyncIterator]: () => {
        let watch: Watch | undefined;
        return {
          next: async () => {
            if (watch === undefined && query.signal.aborted) return { done: true, value: undefined };
            watch ??= this.#start(query);
            return watch.next();
          },
          return: async () => (await watch?.return()) ?? { done: true, value: undefined },
        };
      },
    };
  }

  /** Ends all watches, and refuses later ones. */
  close(): void {
    this.#closed = true;
    this.end(new StoreClosed());
  }

  /** Ends all watches with `fault`. */
  end(fault: Error): void {
    for (const watch of this.#open) watch.close(fault);
  }

  #start(query: WatchQuery): Watch {
    if (this.#closed) throw new StoreClosed();
    if (this.#open.size >= this.#limit) throw new LimitReached('watches', this.#limit);
    const watch = new Watch(this.#source, query, () => this.#open.delete(watch));
    this.#open.add(watch);
    return watch;
  }
}

/** What a watch reads. */
interface WatchSource {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a watch waits after it has sent changes, in milliseconds. */
  readonly restMs: number;
  /** Whether the store is warming right now. */
  warming(): boolean;
}

/** The revision of a watcher that knows nothing: below every compaction floor. */
const BEFORE_FIRST_REVISION = -1n;
const DONE = { done: true, value: undefined } as const;

/**
 * The position of one watcher in a view. It holds no events: each pull reads the changes of the view behind that
 * position. A slow watcher therefore gets the latest states and costs nothing in between.
 */
class Watch implements AsyncIterator<WatchEvent>, Watcher {
  readonly #source: WatchSource;
  readonly #query: WatchQuery;
  readonly #view: View;
  readonly #onEnd: () => void;
  /** The watcher has received everything up to this revision. */
  #sentRevision: bigint;
  /** The snapshot that is being sent: the revision at which it began, and how far it got. */
  #snapshot: { readonly since: bigint; readonly sent: bigint } | undefined;
  #silent = true;
  #ended: 'done' | Error | undefined;
  #settle: ((woken: boolean) => void) | undefined;
  #restsUntilMs = 0;
  #resting = false;

  /**
   * @param query a query whose signal has not aborted yet.
   * @param onEnd runs once, when the watch has released everything.
   */
  constructor(source: WatchSource, query: WatchQuery, onEnd: () => void) {
    this.#source = source;
    this.#query = query;
    this.#onEnd = onEnd;
    this.#sentRevision = resumeRevision(query.resumeFrom, source.catalog.position);
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
    if (this.#ended instanceof Error) throw this.#ended;
    return DONE;
  }

  async return(): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#end('done');
    return DONE;
  }

  /** Lets a pull that waits look for changes. A watch that pauses after changes looks by itself. */
  wake(): void {
    if (!this.#resting) this.#settle?.(true);
  }

  /** Ends the watch with `fault`, such as because the store closes. */
  close(fault: Error): void {
    this.#end(fault);
  }

  #take(): WatchEvent | undefined {
    const { catalog } = this.#source;
    if (this.#snapshot === undefined && this.#sentRevision < catalog.compactionFloor) {
      this.#snapshot = { since: catalog.position.revision, sent: 0n };
    }
    return this.#snapshot === undefined ? this.#takeDelta() : this.#takeSnapshot(this.#snapshot);
  }

  /**
   * The next part of a snapshot. A change between two parts moves its instance to the end of the view, so it comes with
   * the last part. Everything that changed since the first part is then sent again as a delta. So the parts need no
   * frozen copy.
   */
  #takeSnapshot({ since, sent }: { since: bigint; sent: bigint }): WatchEvent {
    const slice = this.#view.sharedChangesAfter(sent);
    const { upserts: instances, last, more } = slice;
    const warming = this.#source.warming();
    if (more) {
      this.#snapshot = { since, sent: last };
      return sharedEvent(slice, { kind: 'snapshot-part', instances, warming });
    }
    this.#snapshot = undefined;
    this.#sentAll(since);
    return sharedEvent(slice, { kind: 'snapshot', instances, position: this.#position(), warming });
  }

  #takeDelta(): WatchEvent | undefined {
    const slice = this.#view.sharedChangesAfter(this.#sentRevision);
    const { upserts, removals, last, more } = slice;
    if (last === 0n) return undefined;
    if (more) this.#sentRevision = last;
    else this.#sentAll(this.#source.catalog.position.revision);
    const warming = this.#source.warming();
    return sharedEvent(slice, { kind: 'delta', upserts, removals, position: this.#position(), warming });
  }

  #progress(): WatchEvent {
    this.#sentRevision = this.#source.catalog.position.revision;
    return { kind: 'progress', position: this.#position(), warming: this.#source.warming() };
  }

  #sentAll(revision: bigint): void {
    const { clock, restMs } = this.#source;
    this.#sentRevision = revision;
    this.#restsUntilMs = clock.now() + restMs;
  }

  #position(): Position {
    return { epoch: this.#source.catalog.position.epoch, revision: this.#sentRevision };
  }

  /**
   * Resolves to true when the watch is woken, and to false when a progress event is due. Jitter keeps watches from
   * firing together.
   */
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

  #end(how: 'done' | Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = how;
    this.#query.signal.removeEventListener('abort', this.#onAbort);
    this.#source.catalog.unwatch(this.#query.service, this);
    this.#onEnd();
    this.#settle?.(true);
  }
}

function resumeRevision(resumeFrom: Position | undefined, { epoch, revision }: Position): bigint {
  return resumeFrom?.epoch === epoch && resumeFrom.revision >= 0n && resumeFrom.revision <= revision
    ? resumeFrom.revision
    : BEFORE_FIRST_REVISION;
}

/** The last event that was made from each slice. */
const events = new WeakMap<Slice, WatchEvent>();

/**
 * Returns the event for a slice that a view shares among watchers: the event made before if it is equal to `made`, else
 * `made`. An event is then translated and encoded once for all watches.
 */
function sharedEvent(slice: Slice, made: WatchEvent): WatchEvent {
  const before = events.get(slice);
  if (before !== undefined && isEqualEvent(before, made)) return before;
  events.set(slice, made);
  return made;
}

/** Compares two events made from one slice. */
function isEqualEvent(one: WatchEvent, other: WatchEvent): boolean {
  return one.kind === other.kind && one.warming === other.warming && revisionOf(one) === revisionOf(other);
}

function revisionOf(event: WatchEvent): bigint | undefined {
  return event.kind === 'snapshot-part' ? undefined : event.position.revision;
}
