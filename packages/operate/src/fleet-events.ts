import type { FleetCalls, WatchFleetResponse } from '@rondo/contracts/rondo/gateway/v1/console';
import { backgroundClock, type Clock, sleep } from '@rondo/rpc/clock';
import { encodeOnce } from '@rondo/rpc/server';
import { woken } from './gather.js';
import { type Followed, type Instances, toInstance } from './instances.js';

/** Changes that follow each other faster are sent as one. Milliseconds. */
const PAUSE_MS = 500;
/** A large fleet is sent in parts, with a pause between them in which the gateway answers others. Instances, and milliseconds. */
const [MAX_SENT, PART_MS] = [100, 10];
/** A watcher that is further behind is ended, and begins anew with all instances. Events. */
const MAX_BEHIND = 100;

/** What happens in a fleet: each event is made and encoded once, however many watch. */
export class FleetEvents {
  readonly #instances: Instances;
  readonly #clock: Clock;
  readonly #watchers = new Set<{ wake: () => void }>();
  /** What the events so far say. */
  readonly #known = new Map<string, Followed>();
  #calls: FleetCalls | undefined;
  #source: Instances['source'] | undefined;
  #recent: readonly WatchFleetResponse[] = [];
  /** How many events there were. */
  #count = 0;
  /** All that is known after so many events, for those who begin. */
  #whole: { readonly count: number; readonly parts: readonly WatchFleetResponse[] } | undefined;
  #isNew = false;
  #isPausing = false;

  constructor(instances: Instances, clock: Clock) {
    this.#instances = instances;
    this.#clock = clock;
  }

  /** Sends what has changed, at once or after the pause. */
  change(): void {
    this.#isNew = true;
    if (this.#isPausing || this.#watchers.size === 0) return;
    this.#take();
    this.#isPausing = true;
    backgroundClock(this.#clock).setTimer(PAUSE_MS, () => {
      this.#isPausing = false;
      if (this.#isNew) this.change();
    });
  }

  /** Yields all instances, then what changes, until `signal` aborts or the watcher is too far behind. */
  async *watch(signal: AbortSignal): AsyncGenerator<WatchFleetResponse> {
    const watcher = { wake: () => {} };
    this.#watchers.add(watcher);
    const pause = () => sleep(this.#clock, PART_MS, signal).catch(() => undefined);
    try {
      this.#take();
      let next = this.#count;
      for (const part of this.#all()) {
        yield part;
        await pause();
      }
      while (!signal.aborted) {
        if (next === this.#count) await woken(watcher, { clock: this.#clock, signal });
        const isHeartbeat = next === this.#count;
        const event = isHeartbeat ? eventOf(this.#instances, {}) : this.#recent.at(next - this.#count);
        if (event === undefined) return;
        if (!isHeartbeat) next += 1;
        yield event;
        if (next < this.#count) await pause();
      }
    } finally {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) [this.#recent, this.#whole] = [[], undefined];
    }
  }

  /** All that the events so far say: the same objects for those who begin at the same time. */
  #all(): readonly WatchFleetResponse[] {
    const [count, calls] = [this.#count, this.#calls];
    if (this.#whole?.count !== count)
      this.#whole = { count, parts: inParts(this.#instances, { changed: [...this.#known.values()], calls }) };
    return this.#whole.parts;
  }

  /** Makes events of what has changed. */
  #take(): void {
    const { known, source } = this.#instances;
    const now = this.#instances.calls();
    const calls = now === this.#calls ? undefined : now;
    const left = [...this.#known.keys()].filter((id) => !known.has(id));
    const changed = [...known].filter(([id, one]) => this.#known.get(id) !== one);
    const isSame = calls === undefined && source === this.#source && left.length + changed.length === 0;
    this.#isNew = false;
    if (isSame) return;
    [this.#calls, this.#source] = [now, source];
    for (const id of left) this.#known.delete(id);
    for (const [id, one] of changed) this.#known.set(id, one);
    const parts = inParts(this.#instances, { changed: changed.map(([, one]) => one), left, calls });
    this.#recent = [...this.#recent, ...parts].slice(-MAX_BEHIND);
    this.#count += parts.length;
    for (const { wake } of this.#watchers) wake();
  }
}

interface News {
  readonly changed?: readonly Followed[];
  readonly left?: readonly string[];
  readonly calls?: FleetCalls | undefined;
}

const eventOf = ({ source }: Instances, { changed = [], left = [], calls }: News): WatchFleetResponse =>
  encodeOnce({ instances: changed.map(toInstance), left: [...left], source, calls });

/** The first part has what isn't of instances. */
function inParts(instances: Instances, { changed = [], ...others }: News): readonly WatchFleetResponse[] {
  const parts = [eventOf(instances, { changed: changed.slice(0, MAX_SENT), ...others })];
  for (let at = MAX_SENT; at < changed.length; at += MAX_SENT)
    parts.push(eventOf(instances, { changed: changed.slice(at, at + MAX_SENT) }));
  return parts;
}
