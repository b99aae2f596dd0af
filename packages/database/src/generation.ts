import type { PoolClient } from 'pg';

/**
 * Which connections of a pool have been there since before the last migration that outdated what they had prepared. One
 * statement that is refused tells it of all of them: none of the older ones is used again.
 */
export class Generations {
  #current = 0;
  readonly #of = new WeakMap<PoolClient, number>();

  /** Counts a new connection to the present generation. */
  add(client: PoolClient): void {
    this.#of.set(client, this.#current);
  }

  /** Whether its generation has ended. */
  isOutdated(client: PoolClient): boolean {
    return (this.#of.get(client) ?? 0) < this.#current;
  }

  /** Ends the generation of `client`; no effect where that has ended: many connections are refused at the same time. */
  end(client: PoolClient): void {
    if (!this.isOutdated(client)) this.#current += 1;
  }
}
