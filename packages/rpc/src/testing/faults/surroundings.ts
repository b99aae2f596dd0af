import type { Clock, Random } from '../../clock/index.js';
import type { MemoryNetwork } from '../../transport/index.js';
import type { CallFaults } from './call-faults.js';
import type { Conditions } from './conditions.js';
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
export interface Surroundings {
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
export function delayMs({ conditions }: Surroundings, from: Peer, to: Peer): number {
  return to.frozen ? Number.POSITIVE_INFINITY : conditions.delayMs(from.name, to.name);
}

/** Whether a question and its answer get through in time for a keepalive. */
export function responds(surroundings: Surroundings, one: Peer, other: Peer): boolean {
  const roundTripMs = delayMs(surroundings, one, other) + delayMs(surroundings, other, one);
  return roundTripMs < surroundings.timing.keepaliveTimeoutMs;
}
