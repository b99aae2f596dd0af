import type { Clock, Random } from '@rondo/base';
import type { MemoryNetwork } from '../../transport/memory/network.js';
import type { CallFaults, Conditions } from './conditions.js';
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
