import type { Clock, Random } from '../../clock/index.js';
import type { MemoryNetwork } from '../../transport/index.js';
import type { EmptyWatches } from './empty-watch.js';
import type { NodeClock } from './node-clock.js';

/** How a fault network behaves where nothing is wrong with it. Milliseconds. */
export interface Timing {
  /** How long a message takes, one way. */
  readonly latencyMs: number;
  /** How long a connection may be silent before it is asked, and how long the answer may take. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** The first wait after a connection couldn't be made, and the longest. */
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

/** One process, to the network. */
export interface Peer {
  readonly name: string;
  readonly clock: NodeClock;
  /** False once it was killed, for good. */
  readonly alive: boolean;
  readonly frozen: boolean;
  /** How many times longer its answers take. */
  readonly slowness: number;
}

/** What all connections of a network share. */
export interface SharedNetwork {
  /** The true time. */
  readonly clock: Clock;
  readonly random: Random;
  readonly timing: Timing;
  readonly memory: MemoryNetwork;
  readonly conditions: Conditions;
  readonly callFaults: CallFaults;
  readonly emptyWatches: EmptyWatches;
  /** Who listens at an address, or did last. */
  peerAt(address: string): Peer | undefined;
  /** Whether somebody listens there now. */
  listens(address: string): boolean;
}

/** How late a message from one to the other would be; `Infinity` where the other can't take it. */
export function delayMs({ conditions }: SharedNetwork, from: Peer, to: Peer): number {
  return to.frozen ? Number.POSITIVE_INFINITY : conditions.delayMs(from.name, to.name);
}

/** Whether a question and its answer get through in time for a keepalive. */
export function responds(shared: SharedNetwork, one: Peer, other: Peer): boolean {
  const roundTripMs = delayMs(shared, one, other) + delayMs(shared, other, one);
  return roundTripMs < shared.timing.keepaliveTimeoutMs;
}

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
