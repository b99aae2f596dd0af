/** A way between two nodes, by their names; whoever isn't named is anybody. */
export interface Route {
  readonly from?: string;
  readonly to?: string;
}

/** What is wrong with a route. */
interface Trouble {
  readonly route: Route;
  /** `Infinity` where nothing comes through. */
  readonly delayMs: number;
}

/** How it stands between the nodes, and who wants to hear of each change. */
export class Conditions {
  readonly #troubles = new Set<Trouble>();
  readonly #listeners = new Set<() => void>();

  /** Nothing comes through until the returned function is called; what was sent meanwhile comes then. */
  block(route: Route): () => void {
    return this.#add({ route, delayMs: Number.POSITIVE_INFINITY });
  }

  /** Everything takes `delayMs` longer until the returned function is called. */
  delay(route: Route, delayMs: number): () => void {
    return this.#add({ route, delayMs });
  }

  /** By how much a message from one node to the other is late; `Infinity` where none comes through. */
  delayMs(from: string, to: string): number {
    let delayMs = 0;
    for (const trouble of this.#troubles) if (covers(trouble.route, from, to)) delayMs += trouble.delayMs;
    return delayMs;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells everybody that something is different, be it here or with a node. */
  changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #add(trouble: Trouble): () => void {
    this.#troubles.add(trouble);
    this.changed();
    return () => {
      if (this.#troubles.delete(trouble)) this.changed();
    };
  }
}

/** Whether `route` is the way from one node to the other. */
export function covers({ from, to }: Route, one: string, other: string): boolean {
  return (from === undefined || from === one) && (to === undefined || to === other);
}
