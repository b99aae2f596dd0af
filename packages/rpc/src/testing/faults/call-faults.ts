import { covers, type Route } from './conditions.js';

/** Which calls a fault happens to. */
export interface CallMatch extends Route {
  /** `/package.Service/Method`; any method where it is missing. */
  readonly path?: string;
  /** How many of them; 1 where it is missing. */
  readonly times?: number;
}

/** What happens to a call on its way. */
export type CallFault =
  | {
      readonly kind: 'drop';
      /** The request never reaches its handler; the reply is lost after the handler ran. */
      readonly what: 'request' | 'reply';
      /** How the caller sees it: its connection breaks, or nothing comes until its deadline. */
      readonly seen: 'loss' | 'silence';
    }
  /** A unary request reaches its handler once more, `afterMs` later, be its connection gone by then. */
  | { readonly kind: 'duplicate'; readonly afterMs: number }
  /** The next call of its connection overtakes it, unless none comes within `withinMs`. */
  | { readonly kind: 'reorder'; readonly withinMs: number };

interface Rule {
  readonly match: CallMatch;
  readonly fault: CallFault;
  left: number;
}

/** The faults that wait for their calls. */
export class CallFaults {
  readonly #rules = new Set<Rule>();

  /** Has `fault` happen to the next calls that match, until the returned function is called. */
  add(match: CallMatch, fault: CallFault): () => void {
    const rule: Rule = { match, fault, left: match.times ?? 1 };
    this.#rules.add(rule);
    return () => this.#rules.delete(rule);
  }

  /** What happens to a call that begins now. */
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
