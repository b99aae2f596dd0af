import { OperatorState, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Client, createChannel, createClient } from '@rondo/rpc/client';
import type { Random } from '@rondo/rpc/clock';
import { carryOut, describeFault, draw, type Fault, planFaults, staticResolver } from '@rondo/rpc/testing';
import { BOUNDS } from './bounds.js';
import type { Cluster } from './cluster.js';
import { REGISTRY, REGISTRY_ADDRESS } from './registry-process.js';
import type { World } from './world.js';

/** Who there is at first. */
export interface Cast {
  readonly instances: readonly string[];
  readonly clients: readonly string[];
}

/** Draws who there is: 3 to 12 instances, 2 to 6 clients; few more often than many, as few are in trouble sooner. */
export function drawCast(random: Random): Cast {
  const names = (what: string, count: number) => Array.from({ length: count }, (_, index) => `${what}-${index + 1}`);
  return {
    instances: names('calculator', 3 + Math.floor(random.next() ** 2 * 10)),
    clients: names('client', 2 + Math.floor(random.next() ** 2 * 5)),
  };
}

const REGISTER = '/rondo.registry.v1.RegistryService/Register';
const UPDATE = '/rondo.registry.v1.RegistryService/Update';
const MIN_FAULTS = 10;
const MORE_FAULTS = 15;

/** Sets off everything that goes wrong, and what operators do meanwhile, within {@link BOUNDS.chaosMs}; ends by the function. */
export function unleash(world: World, cluster: Cluster, cast: Cast): () => void {
  const { random, network, clock } = world;
  const count = MIN_FAULTS + Math.floor(random.next() * MORE_FAULTS);
  const options = { random, untilMs: BOUNDS.chaosMs };
  const ways = waysOf(cast);
  const plan = [
    ...planFaults({
      ...options,
      count: Math.ceil(count / 3),
      nodes: [REGISTRY],
      routes: ways.toRegistry,
      kinds: REGISTRY_KINDS,
    }),
    ...planFaults({ ...options, count: Math.ceil(count / 2), nodes: cast.instances, routes: ways.toInstances }),
    ...planFaults({
      ...options,
      count: Math.ceil(count / 6),
      nodes: cast.clients,
      routes: ways.toRegistry,
      kinds: ['kill', 'freeze', 'jump', 'empty-watch'],
    }),
  ].filter(({ fault }) => !isSilent(fault));
  const restart = (node: string) => {
    if (node === REGISTRY) cluster.startRegistry();
    else if (cast.clients.includes(node)) cluster.startClient(node);
    else cluster.startInstance(node);
  };
  const stop = carryOut(plan, { network, clock, restart, onFault: follow(world, cluster) });
  const operator = new Operator(world, cluster, cast);
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

function waysOf({ instances, clients }: Cast) {
  const toRegistry = [...instances, ...clients].map((from) => ({ from, to: REGISTRY }));
  const toInstances = clients.flatMap((from) => instances.map((to) => ({ from, to })));
  return { toRegistry, toInstances };
}

/** A call that nothing is heard of until its deadline: no client can do better, so only those to the registry are. */
function isSilent(fault: Fault): boolean {
  if (fault.kind !== 'call' || fault.to === REGISTRY) return false;
  return fault.fault.kind === 'reorder' || (fault.fault.kind === 'drop' && fault.fault.seen === 'silence');
}

/** A call to the registry that is lost costs an instance its wait for it and another until the next. */
const LOST_CALL_MS = 12_000;

/** A call that is lost takes its connection along: whoever knows no other instance than that one has nowhere to go. */
const LOST_CONNECTION_MS = 4_000;

/** Notes what goes wrong where, and sees to it that who was killed is gone. */
function follow(world: World, cluster: Cluster) {
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
      world.troubles.brief(nodes, fault.to === REGISTRY ? LOST_CALL_MS : LOST_CONNECTION_MS);
    } else if (fault.kind === 'jump') world.troubles.brief(nodes);
    else ends.set(fault, world.troubles.begin(nodes));
  };
}

/** What people do meanwhile: they scale, stop, replace, cordon. */
class Operator {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #cast: Cast;
  readonly #registry: Pick<Client<typeof RegistryServiceDefinition>, 'setOperatorState'>;
  readonly #close: () => void;
  #added = 0;

  constructor(world: World, cluster: Cluster, cast: Cast) {
    this.#world = world;
    this.#cluster = cluster;
    this.#cast = cast;
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
      ...[this.#cordon, this.#cordon, this.#uncordon, this.#unready, this.#unready],
    ];
    return Array.from({ length: 4 + Math.floor(random.next() * 7) }, () => {
      const work = draw(random, works);
      return { atMs: random.next() * BOUNDS.chaosMs * 0.9, work: () => work() };
    });
  }

  close(): void {
    this.#close();
    this.#world.network.node('operator').kill();
  }

  /** Stops one, as a deployment does, and starts it again or doesn't. */
  readonly #stop = (): void => {
    const { random, clock } = this.#world;
    const one = this.#anyone();
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
   * Starts a second process under a name that is taken, and a third soon after, whereupon the second registers once more,
   * as a call of it comes twice. The first is found out some time later.
   */
  readonly #takeOver = (): void => {
    const one = this.#anyone();
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

  /** Starts a second process under a name that is taken, by mistake, and stops or kills it soon: the first must be back. */
  readonly #duplicate = (): void => {
    const { random } = this.#world;
    const one = this.#anyone();
    if (one === undefined) return;
    this.#added += 1;
    const duplicate = this.#cluster.startInstance(one.instanceId, `other-${this.#added}`);
    const end = random.next() < 0.5 ? () => duplicate.kill() : () => void duplicate.drain();
    this.#later(8_000, end);
  };

  /** One's database goes away for a while, and what it tells the registry meanwhile may come twice, or too late. */
  readonly #unready = (): void => {
    const { random, network } = this.#world;
    const one = this.#anyone();
    if (one === undefined) return;
    const afterMs = random.next() * BOUNDS.lateMs;
    if (random.next() < 0.7) {
      this.#world.trace.note(
        'fault',
        `what ${one.node} tells the registry next comes again ${Math.round(afterMs)} ms later`,
      );
      network.fault({ from: one.node, to: REGISTRY, path: UPDATE }, { kind: 'duplicate', afterMs });
    }
    one.setDependencies(false);
    this.#later(4_000, () => one.setDependencies(true));
  };

  /** Some time within `ms`, and in another millisecond, be it that the faults are over by then. */
  #later(ms: number, work: () => void): void {
    this.#world.clock.setTimer(5 + this.#world.random.next() * ms, work);
  }

  #set(state: OperatorState): void {
    const instanceId = draw(this.#world.random, this.#cast.instances);
    this.#world.trace.note('operator', `sets ${OperatorState[state]} for ${instanceId}`);
    this.#registry.setOperatorState({ instanceId, state, reason: 'a simulation' }).catch((error: unknown) => {
      this.#world.trace.note('operator', `couldn't set it: ${String(error)}`);
    });
  }

  #anyone() {
    const running = this.#cluster.current();
    return running.length === 0 ? undefined : draw(this.#world.random, running);
  }

  #startUnlessRunning(instanceId: string): void {
    if (this.#cluster.current().some((one) => one.instanceId === instanceId)) return;
    this.#cluster.startInstance(instanceId);
  }
}
