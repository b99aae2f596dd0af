import { type Clock, type Random, systemClock } from '@rondo/base';
import { seededRandom } from '@rondo/base/testing';
import { createMemoryNetwork } from '../../transport/memory/network.js';
import type { TransportFactory, WireHandler } from '../../transport/transport.js';
import { type CallFault, CallFaults, type CallMatch, Conditions, type Route } from './conditions.js';
import { EmptyWatches } from './empty-watch.js';
import { FaultTransport } from './fault-transport.js';
import { createListener, type FaultListener } from './listener.js';
import type { Peer, SharedNetwork, Timing } from './network-state.js';
import { NodeClock } from './node-clock.js';

export interface FaultNetworkOptions extends Partial<Timing> {
  /** The true time; a `ManualClock` in most tests. */
  readonly clock?: Clock;
  /** The source of jitter; seed 0 if missing. */
  readonly random?: Random;
}

/** Ends a fault. No effect when called again. */
export type EndFault = () => void;

/** One process in a fault network, with its connections, its listeners and its clock. */
export interface FaultNode {
  readonly name: string;
  readonly clock: Clock;
  readonly transport: TransportFactory;
  /** False once it was killed. */
  readonly alive: boolean;
  /** Serves `handler`, such as a router, at `address`. */
  listen(address: string, handler: { readonly handle: WireHandler }): FaultListener;
  /**
   * Ends the process as `kill -9` does: its connections break, its timers never fire, its promises never settle. A node
   * requested by the same name is then a new process.
   */
  kill(): void;
  /**
   * Stops the process as `SIGSTOP` does: it receives bytes and never answers, and its timers wait. Keepalive ends
   * its connections. Once thawed, it handles the bytes that have arrived.
   */
  freeze(): void;
  thaw(): void;
  /** Delays its answers by `factor`; 1 is normal. */
  slow(factor: number): void;
  /** Moves its clock ahead. */
  jump(aheadMs: number): void;
}

/** A network inside one process, with faults on command. The code under test runs unchanged. */
export interface FaultNetwork {
  /**
   * The node of that name, created when it is first requested. `aheadMs` is the error of its clock; by default that of
   * the previous process of this name.
   */
  node(name: string, options?: { readonly aheadMs?: number }): FaultNode;
  lives(name: string): boolean;
  /** Blocks one direction. Messages sent meanwhile arrive afterwards, unless keepalive has ended the connection. */
  block(route: Route): EndFault;
  /** Blocks both directions between two nodes. */
  partition(one: string, other: string): EndFault;
  /** Delays messages in one direction by up to `delayMs`, in order. */
  delay(route: Route, delayMs: number): EndFault;
  /** Applies a fault to the next calls that match. */
  fault(match: CallMatch, fault: CallFault): EndFault;
  /**
   * Makes every watch of a registry over `route` report that there are no instances, and nothing else. At the end the
   * watches break off.
   */
  emptyWatch(route: Route): EndFault;
}

/** Without faults there is no latency, and the timeouts are those of Rondo's own connections. */
const DEFAULT_TIMING: Timing = {
  latencyMs: 0,
  keepaliveMs: 1_000,
  silentAfterMs: 250,
  keepaliveTimeoutMs: 4_750,
  connectTimeoutMs: 1_000,
  minBackoffMs: 100,
  maxBackoffMs: 1_000,
};

/** Creates a network without nodes. */
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
  /** The returned function runs when the node stops listening there. */
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
