import type { SlowStart } from './slow-start.js';

/** Whether a member has just come, and how far it is from being as any other: its share begins small. */
export class Newcomer {
  readonly #slowStart: SlowStart;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** One that has come but hasn't been ready yet; one that no call was sent to; anybody else. */
  #stage: 'awaited' | 'stranger' | 'known' = 'known';

  constructor(slowStart: SlowStart) {
    this.#slowStart = slowStart;
  }

  /** When its share began to grow, by the clock: since ever, where it didn't just come. */
  get startedAt(): number {
    return this.#startedAt;
  }

  /** Whether it is to get a call at once, where it is in `zone`. */
  isStranger(zone: string): boolean {
    return this.#stage === 'stranger' && this.#slowStart.greets(zone);
  }

  /** It is a process that has just come. */
  onArrival(): void {
    this.#stage = 'awaited';
  }

  /** It can take calls: its share begins to grow when that is first so. */
  onReady(): void {
    if (this.#stage !== 'awaited') return;
    this.#stage = 'stranger';
    this.#startedAt = this.#slowStart.clock.now();
  }

  /** A call is sent there: it is a stranger no more. */
  greet(): void {
    this.#stage = 'known';
  }
}
