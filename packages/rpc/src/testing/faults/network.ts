import { type Clock, type Random, systemClock } from '../../clock/index.js';
import { createMemoryNetwork, type TransportFactory, type WireHandler } from '../../transport/index.js';
import { seededRandom } from '../seeded-random.js';
import { EmptyWatches } from './empty-watch.js';
import { FaultTransport } from './fault-transport.js';
import { createListener, type FaultListener } from './listener.js';
import {
  type CallFault,
  CallFaults,
  type CallMatch,
  Conditions,
  type Peer,
  type Route,
  type SharedNetwork,
  type Timing,
} from './network-state.js';
import { NodeClock } from './node-clock.js';

/** What a fault network is made from. */
export interface FaultNetworkOptions extends Partial<Timing> {
  /** The true time; a `ManualClock` in most tests. */
  readonly clock?: Clock;
  /** What jitter is drawn from; from the seed 0 where it is missing. */
  readonly random?: Random;
}

/** Ends what it was given for. No effect when called again. */
export type End = () => void;

/** One process in a fault network: what connects from it, listens at it and goes by its clock. */
export interface FaultNode {
  readonly name: string;
  /** What everything in this process goes by. */
  readonly clock: Clock;
  /** Makes its connections. */
  readonly transport: TransportFactory;
  /** False once it was killed. */
  readonly alive: boolean;
  /** Serves `handler`, such as a router, at `address`. */
  listen(address: string, handler: { readonly handle: WireHandler }): FaultListener;
  /**
   * Ends it as `kill -9` does: its connections break, its timers never fire, what it waits for never comes. A node that
   * is asked for by the same name is another process.
   */
  kill(): void;
  /**
   * Stops it as `SIGSTOP` does: it takes bytes and never answers, and its timers wait. Its connections are ended by their
   * keepalive; what had reached it, it does when it is thawed.
   */
  freeze(): void;
  thaw(): void;
  /** Its answers take `factor` times as long; 1 for as long as ever. */
  slow(factor: number): void;
  /** Its own clock jumps ahead. */
  jump(aheadMs: number): void;
}

/** A network inside one process whose parts fail as they are told; over it runs the code as it is. */
export interface FaultNetwork {
  /**
   * The node of that name, made when it is first asked for. `aheadMs`: how wrong its clock is from the start; as wrong as
   * that of the process before it where it is missing.
   */
  node(name: string, options?: { readonly aheadMs?: number }): FaultNode;
  /** Whether a node of that name runs. */
  lives(name: string): boolean;
  /** Nothing comes through, one way, until it is healed; what is sent meanwhile comes then, unless keepalive ends it. */
  block(route: Route): End;
  /** Nothing comes through between the two, either way. */
  partition(one: string, other: string): End;
  /** Messages take up to `delayMs` longer, one way, and stay in order. */
  delay(route: Route, delayMs: number): End;
  /** Something happens to the next calls that match. */
  fault(match: CallMatch, fault: CallFault): End;
  /** Every watch of a registry over `route` says that there is nobody, and nothing else; at the end it breaks off. */
  emptyWatch(route: Route): End;
}

/** A network where nothing is wrong takes no time, and has the timeouts of Rondo's own connections. */
const DEFAULT_TIMING: Timing = {
  latencyMs: 0,
  keepaliveMs: 1_000,
  keepaliveTimeoutMs: 500,
  connectTimeoutMs: 1_000,
  minBackoffMs: 100,
  maxBackoffMs: 1_000,
};

/** Makes a network without nodes. */
export function createFaultNetwork(options: FaultNetworkOptions = {}): FaultNetwork {
  const { clock = systemClock, random = seededRandom(0), ...timing } = options;
  const nodes = new Map<string, Node>();
  const homes = new Map<string, { readonly node: Node; listening: boolean }>();
  const conditions = new Conditions();
  const callFaults = new CallFaults();
  const emptyWatches = new EmptyWatches();
  const shared: SharedNetwork = {
    clock,
    random,
    timing: { ...DEFAULT_TIMING, ...timing },
    memory: createMemoryNetwork(),
    conditions,
    callFaults,
    emptyWatches,
    peerAt: (address) => homes.get(address)?.node,
    listens: (address) => homes.get(address)?.listening ?? false,
  };
  const onListen = (node: Node, address: string) => {
    const home = { node, listening: true };
    homes.set(address, home);
    return () => {
      home.listening = false;
    };
  };
  return {
    node(name, options = {}) {
      const present = nodes.get(name);
      if (present?.alive) return present;
      const { aheadMs = (present?.clock.now() ?? clock.now()) - clock.now() } = options;
      const node = new Node(name, { shared, aheadMs, onListen });
      nodes.set(name, node);
      return node;
    },
    lives: (name) => nodes.get(name)?.alive ?? false,
    block: (route) => conditions.block(route),
    partition(one, other) {
      const ends = [conditions.block({ from: one, to: other }), conditions.block({ from: other, to: one })];
      return () => {
        for (const end of ends) end();
      };
    },
    delay: (route, delayMs) => conditions.delay(route, delayMs),
    fault: (match, fault) => callFaults.add(match, fault),
    emptyWatch: (route) => emptyWatches.add(route),
  };
}

interface NodeOptions {
  readonly shared: SharedNetwork;
  readonly aheadMs: number;
  /** Gives what is to be called when it listens there no more. */
  readonly onListen: (node: Node, address: string) => () => void;
}

class Node implements FaultNode, Peer {
  readonly name: string;
  readonly clock: NodeClock;
  readonly #options: NodeOptions;
  readonly #listeners = new Set<FaultListener>();
  alive = true;
  frozen = false;
  slowness = 1;

  constructor(name: string, options: NodeOptions) {
    this.name = name;
    this.#options = options;
    this.clock = new NodeClock(options.shared.clock, options.aheadMs);
  }

  readonly transport: TransportFactory = (address) => new FaultTransport(this.#options.shared, this, address);

  listen(address: string, handler: { readonly handle: WireHandler }): FaultListener {
    const { shared, onListen } = this.#options;
    const onStop = onListen(this, address);
    const listener = createListener({ network: shared.memory, clock: this.clock, address, handler, onStop });
    this.#listeners.add(listener);
    shared.conditions.changed();
    return listener;
  }

  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    this.clock.stop();
    for (const listener of this.#listeners) listener.close();
    this.#options.shared.conditions.changed();
  }

  freeze(): void {
    this.frozen = true;
    this.clock.freeze();
    this.#options.shared.conditions.changed();
  }

  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    this.clock.thaw();
    this.#options.shared.conditions.changed();
  }

  slow(factor: number): void {
    this.slowness = factor;
  }

  jump(aheadMs: number): void {
    this.clock.jump(aheadMs);
  }
}
