import type { Clock } from '@rondo/rpc/clock';

interface Trouble {
  /** One node, or the two ends of a way. */
  readonly nodes: readonly string[];
  endedAt: number;
}

const GOING_ON = Number.POSITIVE_INFINITY;

/** What is, or was, wrong with nodes and the ways between them: what excuses those who couldn't do better. */
export class Troubles {
  readonly #clock: Clock;
  readonly #troubles: Trouble[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something is wrong with a node, or between two, until the returned function is called, and `afterMs` longer. */
  begin(nodes: readonly string[], afterMs = 0): () => void {
    const trouble: Trouble = { nodes, endedAt: GOING_ON };
    this.#troubles.push(trouble);
    return () => {
      trouble.endedAt = Math.min(trouble.endedAt, this.#clock.now() + afterMs);
    };
  }

  /** Something is wrong for `forMs`. */
  brief(nodes: readonly string[], forMs = 0): void {
    this.#troubles.push({ nodes, endedAt: this.#clock.now() + forMs });
  }

  /** Since when nothing has been wrong with either node, nor between them; `Infinity` while something is. */
  calmSince(one: string, other: string): number {
    let since = 0;
    for (const { nodes, endedAt } of this.#troubles) {
      const concerned = nodes.every((node) => node === one || node === other);
      if (concerned) since = Math.max(since, endedAt > this.#clock.now() ? GOING_ON : endedAt);
    }
    return since;
  }
}
