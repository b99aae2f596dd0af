import type { Candidate } from './picker.js';

/** What so many tiers of zones have in flight, against what they are given. */
export class TierLoad {
  /** Calls in flight at one candidate, on average. */
  readonly #busy: number[];
  /** The part of all calls that a tier was given. */
  readonly #taken: number[];
  #noted = 0;

  constructor(tiers: number) {
    this.#busy = new Array<number>(tiers).fill(0);
    this.#taken = new Array<number>(tiers).fill(0);
  }

  /** Notes that tier `taker` was given a call. One candidate of each tier is looked at, each in turn. */
  note(taker: number, tiers: readonly TierView[]): void {
    this.#noted += 1;
    const step = 1 / this.#window(tiers);
    for (const { tier, candidates } of tiers) {
      const inFlight = candidates[this.#noted % candidates.length]?.inFlight ?? 0;
      this.#move(this.#busy, tier, { to: inFlight, step });
    }
    for (let tier = 0; tier < this.#taken.length; tier += 1) {
      this.#move(this.#taken, tier, { to: tier === taker ? 1 : 0, step });
    }
  }

  /**
   * The part of its calls that tier `near` is to leave to `far`: none while it has room, or its calls end about as fast
   * as those that went to `far`.
   *
   * By Little's law what a tier has in flight, divided by the part of the calls that it was given, is how long its calls
   * take, in a unit that is the same for all tiers.
   */
  overflow(near: TierView, far: TierView): number {
    const window = Math.min(this.#noted, WINDOW);
    const nearTaken = this.#taken[near.tier] ?? 0;
    if (nearTaken * window < LEAST_SAMPLES) return 0;
    const nearTime = this.#timeOf(near);
    const alone = nearTime / near.candidates.length;
    const crowded = Math.min(1, Math.max(0, (alone - ROOM) / (CROWDED - ROOM)));
    if (crowded === 0) return 0;
    const samples = (this.#taken[far.tier] ?? 0) * window;
    if (samples < LEAST_SAMPLES) return crowded * EXPLORED;
    // What little is known of the other is taken for the worst that it may mean.
    const farTime = this.#timeOf(far) * (1 + 2 / Math.sqrt(samples));
    const speed = Math.min(1, (SPARE * farTime) / nearTime);
    return crowded * Math.max(EXPLORED, Math.min(1 - EXPLORED, 1 - speed));
  }

  #timeOf({ tier, candidates }: TierView): number {
    const taken = this.#taken[tier] ?? 0;
    return taken === 0 ? 0 : ((this.#busy[tier] ?? 0) * candidates.length) / taken;
  }

  /** Of how many calls means are taken: many more than are in flight, as what is changed shows only when they end. */
  #window(tiers: readonly TierView[]): number {
    let inFlight = 0;
    for (const { tier, candidates } of tiers) inFlight += (this.#busy[tier] ?? 0) * candidates.length;
    return Math.min(this.#noted, WINDOW + 4 * inFlight, LONGEST_WINDOW);
  }

  #move(means: number[], tier: number, { to, step }: { readonly to: number; readonly step: number }): void {
    const mean = means[tier] ?? 0;
    means[tier] = mean + (to - mean) * step;
  }
}

/** The candidates of one tier. */
export interface TierView {
  readonly tier: number;
  readonly candidates: readonly Candidate[];
}

/** So much more than what it is asked for a tier is taken to bear; Envoy's overprovisioning factor. */
export const SPARE = 1.4;
const WINDOW = 1_024;
const LONGEST_WINDOW = 32_768;
/** Of fewer calls nothing is concluded. */
const LEAST_SAMPLES = 8;
/** A tier that would have up to so many of this client's calls in flight at each candidate has room for them all. */
const ROOM = 0.5;
/** One that would have so many may be slow because of them. */
const CROWDED = 1;
/** The part of a crowded tier's calls by which the speed of the next one is known. */
const EXPLORED = 0.02;
