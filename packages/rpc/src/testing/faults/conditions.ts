/** A direction between two nodes, by name. A missing name stands for any node. */
export interface Route {
  readonly from?: string;
  readonly to?: string;
}

interface RouteFault {
  readonly route: Route;
  /** `Infinity` if no message arrives. */
  readonly delayMs: number;
}

/** The faults of all routes. Listeners run on every change. */
export class Conditions {
  readonly #faults = new Set<RouteFault>();
  readonly #listeners = new Set<() => void>();

  /** Blocks a route until the returned function is called. Messages sent meanwhile arrive then. */
  block(route: Route): () => void {
    return this.#add({ route, delayMs: Number.POSITIVE_INFINITY });
  }

  /** Delays every message by `delayMs` until the returned function is called. */
  delay(route: Route, delayMs: number): () => void {
    return this.#add({ route, delayMs });
  }

  /** The delay of a message from one node to the other; `Infinity` if none arrives. */
  delayMs(from: string, to: string): number {
    let delayMs = 0;
    for (const fault of this.#faults) if (covers(fault.route, from, to)) delayMs += fault.delayMs;
    return delayMs;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs the listeners: a route or a node has changed. */
  changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #add(fault: RouteFault): () => void {
    this.#faults.add(fault);
    this.changed();
    return () => {
      if (this.#faults.delete(fault)) this.changed();
    };
  }
}

/** Whether `route` includes the direction from one node to the other. */
export function covers({ from, to }: Route, one: string, other: string): boolean {
  return (from === undefined || from === one) && (to === undefined || to === other);
}

/** The calls that a fault applies to. */
export interface CallMatch extends Route {
  /** `/package.Service/Method`; any method if missing. */
  readonly path?: string;
  /** How many calls; 1 if missing. */
  readonly times?: number;
}

/** A fault of a single call. */
export type CallFault =
  | {
      readonly kind: 'drop';
      /** Drops the request before its handler, or the reply after the handler ran. */
      readonly what: 'request' | 'reply';
      /** What the caller observes: its connection breaks, or no answer until its deadline. */
      readonly seen: 'loss' | 'silence';
    }
  /** A unary request reaches its handler a second time, `afterMs` later, even if its connection has closed by then. */
  | { readonly kind: 'duplicate'; readonly afterMs: number }
  /** The next call of its connection overtakes it, if one comes within `withinMs`. */
  | { readonly kind: 'reorder'; readonly withinMs: number };

interface Rule {
  readonly match: CallMatch;
  readonly fault: CallFault;
  left: number;
}

/** The faults that wait for a matching call. */
export class CallFaults {
  readonly #rules = new Set<Rule>();

  /** Applies `fault` to the next calls that match, until the returned function is called. */
  add(match: CallMatch, fault: CallFault): () => void {
    const rule: Rule = { match, fault, left: match.times ?? 1 };
    this.#rules.add(rule);
    return () => this.#rules.delete(rule);
  }

  /** Takes the fault of a call that begins now, if any. */
  take(from: string, to: string, path: string): CallFault | undefined {
    for (const rule of this.#rules) {
      const { match } = rule;
      if (!covers(match, from, to) || (match.path !== undefined && match.path !== path)) continue;
      rule.left -= 1;
      if (rule.left <= 0) this.#rules.delete(rule);
      return rule.fault;
    }
    return undefined;
  }
}
