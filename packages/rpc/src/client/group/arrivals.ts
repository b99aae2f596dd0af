import type { Endpoint } from '../../resolver/index.js';

/** So many that have gone are remembered. */
const FORMER_LIMIT = 1_000;

/** Tells the processes that have just come from those that a client found running, or has known before. */
export class Arrivals {
  /** The incarnation of each instance, those first that were seen longest ago. */
  readonly #seen = new Map<string, number>();
  #picked = false;

  /** A call has been given to somebody: whoever is new from now on has just come. */
  onPick(): void {
    this.#picked = true;
  }

  /** Notes that an instance is there. Gives whether it is a process that wasn't there before the first pick. */
  note({ instanceId, incarnation }: Pick<Endpoint, 'instanceId' | 'incarnation'>): boolean {
    const known = this.#seen.get(instanceId) === incarnation;
    this.#seen.delete(instanceId);
    this.#seen.set(instanceId, incarnation);
    return this.#picked && !known;
  }

  /** Forgets those seen longest ago, where more are known than the `present` and some that have gone. */
  trim(present: number): void {
    for (const instanceId of this.#seen.keys()) {
      if (this.#seen.size <= present + FORMER_LIMIT) return;
      this.#seen.delete(instanceId);
    }
  }
}
