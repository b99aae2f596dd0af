import type { Clock, Random } from '@rondo/base';
import type { MemoryNetwork } from '../../transport/memory/network.js';
import type { EmptyWatches } from './empty-watch.js';
import type { NodeClock } from './node-clock.js';

/** The timing of a fault network without faults. Milliseconds. */
export interface Timing {
  /** The latency of a message, one way. */
  readonly latencyMs: number;
  /** The longest that nothing is received over a connection before the peer is pinged. */
  readonly keepaliveMs: number;
  /** How long the answer may take until the peer counts as silent, and until the connection ends. */
  readonly silentAfterMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** The first wait after a failed connection attempt, and the longest. */
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

/** One process of the network. */
export interface Peer {
  readonly name: string;
  readonly clock: NodeClock;
  /** False once it was killed. */
  readonly alive: boolean;
  readonly frozen: boolean;
  /** The factor by which its answers are delayed. */
  readonly slowness: number;
}

/** The state that all connections of a network share. */
export interface SharedNetwork {
  /** The true time, which is right even if a node's clock is wrong. */
  readonly clock: Clock;
  readonly random: Random;
  readonly timing: Timing;
  readonly memory: MemoryNetwork;
  readonly conditions: Conditions;
  readonly callFaults: CallFaults;
  readonly emptyWatches: EmptyWatches;
  /** The process that listens at an address, or listened there last. */
  peerAt(address: string): Peer | undefined;
  /** Whether a process listens there now. */
  listens(address: string): boolean;
}

/** The delay of a message from `from` to `to`; `Infinity` if it can't arrive. */
export function delayMs({ conditions }: SharedNetwork, from: Peer, to: Peer): number {
  return to.frozen ? Number.POSITIVE_INFINITY : conditions.delayMs(from.name, to.name);
}

/** How long it takes until a message to the peer is answered; `Infinity` if it can't be. */
export function roundTripMs(shared: SharedNetwork, one: Peer, other: Peer): number {
  return delayMs(shared, one, other) + delayMs(shared, other, one);
}

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
