import { TTL } from './limits.js';
import { SortedTimes } from './sorted-times.js';

/** How many lapses are remembered at least; beyond it, as many as the registry has instances. */
const KEPT_AT_LEAST = 1000;

interface Record {
  readonly atMs: number;
  /** Whether the instance left the registry over it, and hasn't come back. */
  gone: boolean;
}

/** Which instances' leases ran out lately, each counted once: by its last lapse. No more than the registry's size. */
export class Lapses {
  readonly #records = new Map<string, Record>();
  readonly #all = new SortedTimes();
  readonly #gone = new SortedTimes();

  /** How many are remembered. */
  get size(): number {
    return this.#records.size;
  }

  /** Notes a lapse; times never go back. */
  add(instanceId: string, atMs: number): void {
    this.#forget(instanceId);
    this.#records.set(instanceId, { atMs, gone: false });
    this.#all.add(atMs);
  }

  /** Notes that an instance left the registry over its lapse, or is back. */
  setGone(instanceId: string, gone: boolean): void {
    const record = this.#records.get(instanceId);
    if (record === undefined || record.gone === gone) return;
    record.gone = gone;
    if (gone) this.#gone.add(record.atMs);
    else this.#gone.delete(record.atMs);
  }

  /** Forgets what is too old for every window, and what is too much. */
  trim(nowMs: number, size: number): void {
    const most = Math.max(KEPT_AT_LEAST, size);
    for (const [instanceId, { atMs }] of this.#records) {
      if (this.#records.size <= most && atMs > nowMs - TTL.maxMs) return;
      this.#forget(instanceId);
    }
  }

  /** How many instances lapsed after `atMs`, and how many of them have left the registry. */
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
