import { OperatorState, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import type { Random } from '@rondo/rpc/clock';
import { BOUNDS } from './bounds.js';
import type { Cluster } from './cluster.js';
import { carryOut, describeFault, type Fault, pickOne, planFaults } from './faults.js';
import { REGISTRY, REGISTRY_ADDRESS } from './registry-process.js';
import type { World } from './world.js';

/** The processes at the start. */
export interface Topology {
  readonly instances: readonly string[];
  readonly clients: readonly string[];
}

/**
 * Draws the processes at the start: 3 to 12 instances and 2 to 6 clients. Small numbers are likelier, because they get
 * into trouble sooner.
 */
export function drawTopology(random: Random): Topology {
  const names = (what: string, count: number) => Array.from({ length: count }, (_, index) => `${what}-${index + 1}`);
  return {
    instances: names('adder', 3 + Math.floor(random.next() ** 2 * 10)),
    clients: names('client', 2 + Math.floor(random.next() ** 2 * 5)),
  };
}

const REGISTER = '/rondo.registry.v1.RegistryService/Register';
const UPDATE = '/rondo.registry.v1.RegistryService/Update';
const MIN_FAULTS = 10;
const MORE_FAULTS = 15;

/**
 * Starts the faults and the operator's actions, all within {@link BOUNDS.chaosMs}. The returned function stops them.
 */
export function startFaults(world: World, cluster: Cluster, topology: Topology): () => void {
  const { random, network, clock } = world;
  const count = MIN_FAULTS + Math.floor(random.next() * MORE_FAULTS);
  const options = { random, untilMs: BOUNDS.chaosMs };
  const routes = routesOf(topology);
  const plan = [
    ...planFaults({
      ...options,
      count: Math.ceil(count / 3),
      nodes: [REGISTRY],
      routes: routes.toRegistry,
      kinds: REGISTRY_KINDS,
    }),
    ...planFaults({ ...options, count: Math.ceil(count / 2), nodes: topology.instances, routes: routes.toInstances }),
    ...planFaults({
      ...options,
      count: Math.ceil(count / 6),
      nodes: topology.clients,
      routes: routes.toRegistry,
      kinds: ['kill', 'freeze', 'jump', 'empty-watch'],
    }),
  ].filter(({ fault }) => !isSilent(fault));
  const restart = (node: string) => {
    if (node === REGISTRY) cluster.startRegistry();
    else if (topology.clients.includes(node)) cluster.startClient(node);
    else cluster.startInstance(node);
  };
  const stop = carryOut(plan, { network, clock, restart, onFault: trackFaults(world, cluster) });
  const operator = new Operator(world, cluster, topology);
  const timers = operator.plan().map(({ atMs, work }) => clock.setTimer(atMs, work));
  return () => {
    stop();
    for (const timer of timers) timer.cancel();
    operator.close();
  };
}

const REGISTRY_KINDS: readonly Fault['kind'][] = [
  'kill',
  'kill',
  'freeze',
  'jump',
  'partition',
  'partition',
  'block',
  'delay',
  'empty-watch',
  'call',
  'call',
  'call',
];

function routesOf({ instances, clients }: Topology) {
  const toRegistry = [...instances, ...clients].map((from) => ({ from, to: REGISTRY }));
  const toInstances = clients.flatMap((from) => instances.map((to) => ({ from, to })));
  return { toRegistry, toInstances };
}

/**
 * Whether a fault leaves a call without an answer until its deadline. No client can do better, so only calls to the
 * registry get such faults.
 */
function isSilent(fault: Fault): boolean {
  if (fault.kind !== 'call' || fault.to === REGISTRY) return false;
  return fault.fault.kind === 'reorder' || (fault.fault.kind === 'drop' && fault.fault.seen === 'silence');
}

/** A lost call to the registry costs an instance the wait for it and the wait until the next one. */
const LOST_CALL_MS = 12_000;

/** A lost call also breaks its connection. A client that knows no other instance has no alternative then. */
const LOST_CONNECTION_MS = 4_000;

/** Notes each fault, and marks processes that were killed as gone. */
function trackFaults(world: World, cluster: Cluster) {
  const ends = new Map<Fault, () => void>();
  return (fault: Fault, phase: 'begins' | 'ends') => {
    world.trace.note('fault', `${describeFault(fault)} ${phase}`);
    if (phase === 'ends') {
      ends.get(fault)?.();
      return;
    }
    if (fault.kind === 'slow') return;
    const nodes = 'node' in fault ? [fault.node] : [fault.from, fault.to];
    if (fault.kind === 'kill' && fault.node !== REGISTRY) cluster.ended(fault.node);
    if (fault.kind === 'call') {
      world.disturbances.brief(nodes, fault.to === REGISTRY ? LOST_CALL_MS : LOST_CONNECTION_MS);
    } else if (fault.kind === 'jump') world.disturbances.brief(nodes);
    else ends.set(fault, world.disturbances.begin(nodes));
  };
}

/** The actions of an operator: scaling, stopping, replacing and cordoning instances. */
class Operator {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #topology: Topology;
  readonly #registry: Pick<Client<typeof RegistryServiceDefinition>, 'setOperatorState'>;
  readonly #close: () => void;
  #added = 0;
  #sick = false;

  constructor(world: World, cluster: Cluster, topology: Topology) {
    this.#world = world;
    this.#cluster = cluster;
    this.#topology = topology;
    const { transport, clock } = world.network.node('operator');
    const channel = createChannel({
      resolver: staticResolver([REGISTRY_ADDRESS]),
      transport,
      clock,
      random: world.random,
    });
    this.#registry = createClient(RegistryServiceDefinition, { channel });
    this.#close = () => channel.close();
  }

  plan(): readonly { readonly atMs: number; readonly work: () => void }[] {
    const { random } = this.#world;
    const works = [
      ...[this.#stop, this.#stop, this.#add, this.#takeOver, this.#takeOver, this.#duplicate, this.#duplicate],
      ...[this.#cordon, this.#cordon, this.#uncordon, this.#unready, this.#unready, this.#sicken, this.#sicken],
    ];
    return Array.from({ length: 4 + Math.floor(random.next() * 7) }, () => {
      const work = pickOne(random, works);
      return { atMs: random.next() * BOUNDS.chaosMs * 0.9, work: () => work() };
    });
  }

  close(): void {
    this.#close();
    this.#world.network.node('operator').kill();
  }

  /** Stops an instance, as a deployment does, and may start it again. */
  readonly #stop = (): void => {
    const { random, clock } = this.#world;
    const one = this.#drawInstance();
    const again = random.next() < 0.7;
    void one?.drain().then(() => {
      if (again) clock.setTimer(random.next() * 1_000, () => this.#startUnlessRunning(one.instanceId));
    });
  };

  readonly #add = (): void => {
    this.#added += 1;
    this.#cluster.startInstance(`added-${this.#added}`);
  };

  readonly #cordon = (): void => this.#set(OperatorState.OPERATOR_STATE_CORDONED);

  readonly #uncordon = (): void => this.#set(OperatorState.OPERATOR_STATE_NONE);

  /**
   * Starts a second process under an id that is taken, and soon after a third one. Then the second registers once more,
   * because one of its calls is duplicated. The first notices it some time later.
   */
  readonly #takeOver = (): void => {
    const one = this.#drawInstance();
    if (one === undefined) return;
    const start = () => {
      this.#added += 1;
      return this.#cluster.startInstance(one.instanceId, `other-${this.#added}`);
    };
    const afterMs = this.#world.random.next() * BOUNDS.lateMs;
    const match = { from: `other-${this.#added + 1}`, to: REGISTRY, path: REGISTER };
    this.#world.network.fault(match, { kind: 'duplicate', afterMs });
    const second = start();
    this.#later(afterMs, start);
    this.#later(15_000, () => one.kill());
    this.#later(15_000, () => second.kill());
  };

  /**
   * Starts a second process under an id that is taken, by mistake, and soon stops or kills it: the first must get the
   * id back.
   */
  readonly #duplicate = (): void => {
    const { random } = this.#world;
    const one = this.#drawInstance();
    if (one === undefined) return;
    this.#added += 1;
    const duplicate = this.#cluster.startInstance(one.instanceId, `other-${this.#added}`);
    const end = random.next() < 0.5 ? () => duplicate.kill() : () => void duplicate.drain();
    this.#later(8_000, end);
  };

  /** Makes an instance's database unavailable for a while. Its update to the registry may be duplicated or delayed. */
  readonly #unready = (): void => {
    const { random, network } = this.#world;
    const one = this.#drawInstance();
    if (one === undefined) return;
    const afterMs = random.next() * BOUNDS.lateMs;
    if (random.next() < 0.7) {
      this.#world.trace.note('fault', `the next update of ${one.node} arrives again ${Math.round(afterMs)} ms later`);
      network.fault({ from: one.node, to: REGISTRY, path: UPDATE }, { kind: 'duplicate', afterMs });
    }
    one.setDependencies(false);
    this.#later(4_000, () => one.setDependencies(true));
  };

  /** Makes an instance answer `UNAVAILABLE` for a while. The registry doesn't learn of it. One is sick at a time. */
  readonly #sicken = (): void => {
    const one = this.#drawInstance();
    if (one === undefined || this.#sick) return;
    const recover = this.#world.disturbances.begin([one.node]);
    this.#sick = true;
    one.setSick(true);
    this.#later(6_000, () => {
      this.#sick = false;
      one.setSick(false);
      this.#world.clock.setTimer(BOUNDS.readmittedMs, recover);
    });
  };

  /** Runs `work` at some time within `ms`, at least 5 ms from now, even if the faults are over by then. */
  #later(ms: number, work: () => void): void {
    this.#world.clock.setTimer(5 + this.#world.random.next() * ms, work);
  }

  #set(state: OperatorState): void {
    const instanceId = pickOne(this.#world.random, this.#topology.instances);
    this.#world.trace.note('operator', `sets ${OperatorState[state]} for ${instanceId}`);
    this.#registry.setOperatorState({ instanceId, state, reason: 'a simulation' }).catch((error: unknown) => {
      this.#world.trace.note('operator', `couldn't set the operator state: ${String(error)}`);
    });
  }

  #drawInstance() {
    const running = this.#cluster.current();
    return running.length === 0 ? undefined : pickOne(this.#world.random, running);
  }

  #startUnlessRunning(instanceId: string): void {
    if (this.#cluster.current().some((one) => one.instanceId === instanceId)) return;
    this.#cluster.startInstance(instanceId);
  }
}
