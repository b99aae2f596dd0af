import { TTL } from './limits.js';

/** The minimum number of lapses to remember. A larger registry remembers as many as it has instances. */
const KEPT_AT_LEAST = 1000;

interface Record {
  readonly atMs: number;
  /** Whether the instance left the registry because of the lapse and hasn't come back. */
  gone: boolean;
}

/**
 * The recent lapses, at most one for each instance: its last. It remembers no more lapses than the registry has
 * instances.
 */
export class Lapses {
  readonly #records = new Map<string, Record>();
  readonly #all = new SortedTimes();
  readonly #gone = new SortedTimes();

  /** How many lapses it remembers. */
  get size(): number {
    return this.#records.size;
  }

  /** Notes a lapse. Times must not decrease. */
  add(instanceId: string, atMs: number): void {
    this.#forget(instanceId);
    this.#records.set(instanceId, { atMs, gone: false });
    this.#all.add(atMs);
  }

  /** Notes that an instance left the registry because of its lapse, or came back. */
  setGone(instanceId: string, gone: boolean): void {
    const record = this.#records.get(instanceId);
    if (record === undefined || record.gone === gone) return;
    record.gone = gone;
    if (gone) this.#gone.add(record.atMs);
    else this.#gone.delete(record.atMs);
  }

  /** Forgets lapses that are too old for every window, and the oldest of those above the bound. */
  trim(nowMs: number, size: number): void {
    const most = Math.max(KEPT_AT_LEAST, size);
    for (const [instanceId, { atMs }] of this.#records) {
      if (this.#records.size <= most && atMs > nowMs - TTL.maxMs) return;
      this.#forget(instanceId);
    }
  }

  /** How many instances lapsed after `atMs`, and how many of these have left the registry. */
  after(atMs: number): { lapsed: number; gone: number } {
    return { lapsed: this.#all.countAfter(atMs), gone: this.#gone.countAfter(atMs) };
  }

  #forget(instanceId: string): void {
    const record = this.#records.get(instanceId);
    if (record === undefined) return;
    this.#records.delete(instanceId);
    this.#all.delete(record.atMs);
    if (record.gone) this.#gone.delete(record.atMs);
  }
}

/** Points in time in ascending order, so that those of a window can be counted without visiting each. */
class SortedTimes {
  readonly #times: number[] = [];

  add(atMs: number): void {
    this.#times.splice(this.#firstAfter(atMs), 0, atMs);
  }

  /** Removes one occurrence of a time that was added. */
  delete(atMs: number): void {
    const index = this.#firstAfter(atMs) - 1;
    if (this.#times[index] === atMs) this.#times.splice(index, 1);
  }

  /** How many times are later than `atMs`. */
  countAfter(atMs: number): number {
    return this.#times.length - this.#firstAfter(atMs);
  }

  #firstAfter(atMs: number): number {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#times[middle] ?? 0) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
