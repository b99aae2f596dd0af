import type { Clock, Random, Timer } from '../../clock/index.js';
import { seededRandom } from '../seeded-random.js';
import type { FaultNetwork } from './network.js';
import type { CallFault } from './network-state.js';

/** Something that goes wrong. What lasts, lasts `forMs`. */
export type Fault =
  /** The process dies; after `forMs` another is started in its place. */
  | { readonly kind: 'kill' | 'freeze'; readonly node: string; readonly forMs: number }
  | { readonly kind: 'slow'; readonly node: string; readonly factor: number; readonly forMs: number }
  | { readonly kind: 'jump'; readonly node: string; readonly aheadMs: number }
  /** Nothing comes through: both ways, or one way. */
  | { readonly kind: 'partition' | 'block'; readonly from: string; readonly to: string; readonly forMs: number }
  | {
      readonly kind: 'delay';
      readonly from: string;
      readonly to: string;
      readonly delayMs: number;
      readonly forMs: number;
    }
  /** A registry says that there is nobody. */
  | { readonly kind: 'empty-watch'; readonly from: string; readonly to: string; readonly forMs: number }
  | { readonly kind: 'call'; readonly from: string; readonly to: string; readonly fault: CallFault };

/** A fault and when it begins, from the beginning of the plan. Milliseconds. */
export interface PlannedFault {
  readonly atMs: number;
  readonly fault: Fault;
}

/** From what a plan is drawn. */
export interface PlanOptions {
  readonly random: Random;
  /** Which processes die, freeze, slow down and have clocks that jump. */
  readonly nodes: readonly string[];
  /** Which ways are cut and delayed, and lose calls. */
  readonly routes: readonly { readonly from: string; readonly to: string }[];
  /** Which kinds there are, each as often as it is listed; all but `empty-watch` where it is missing. */
  readonly kinds?: readonly Fault['kind'][];
  readonly count: number;
  /** By when all of it is over. */
  readonly untilMs: number;
}

const KINDS: readonly Fault['kind'][] = ['kill', 'freeze', 'slow', 'jump', 'partition', 'block', 'delay', 'call'];

/** Draws faults, in the order in which they begin: the same from the same seed. */
export function planFaults(options: PlanOptions): readonly PlannedFault[] {
  const { count, untilMs, random } = options;
  const plan = Array.from({ length: count }, () => {
    const atMs = Math.floor(random.next() * untilMs * 0.95);
    return { atMs, fault: drawFault(options, untilMs - atMs) };
  });
  return plan.sort((one, other) => one.atMs - other.atMs);
}

/** One of `items`. Throws where there is none. */
export function draw<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random.next() * items.length)];
  if (item === undefined) throw new RangeError('a plan needs at least one node, one route and one kind');
  return item;
}

function drawFault({ random, nodes, routes, kinds = KINDS }: PlanOptions, leftMs: number): Fault {
  const between = (min: number, max: number) => Math.round(min + random.next() * (max - min));
  const kind = draw(random, kinds);
  const forMs = Math.min(leftMs, between(200, random.next() < 0.3 ? 15_000 : 4_000));
  const route = () => draw(random, routes);
  switch (kind) {
    case 'kill':
    case 'freeze':
      return { kind, node: draw(random, nodes), forMs };
    case 'slow':
      return { kind, node: draw(random, nodes), factor: between(5, 50), forMs };
    case 'jump':
      return { kind, node: draw(random, nodes), aheadMs: between(100, 15_000) };
    case 'partition':
    case 'block':
    case 'empty-watch':
      return { kind, ...route(), forMs };
    case 'delay':
      return { kind, ...route(), delayMs: between(20, 800), forMs };
    case 'call':
      return { kind, ...route(), fault: drawCallFault(random, between) };
  }
}

function drawCallFault(random: Random, between: (min: number, max: number) => number): CallFault {
  const kind = draw(random, ['drop', 'drop', 'duplicate', 'reorder'] as const);
  if (kind === 'duplicate') return { kind, afterMs: between(0, 3_000) };
  if (kind === 'reorder') return { kind, withinMs: between(50, 2_000) };
  return { kind, what: draw(random, ['request', 'reply']), seen: draw(random, ['loss', 'silence']) };
}

/** With what a plan is carried out. */
export interface CarryOutOptions {
  readonly network: FaultNetwork;
  /** The true time. */
  readonly clock: Clock;
  /** Starts what ran on a node that was killed once more. */
  readonly restart: (node: string) => void;
  /** Hears of each fault as it begins, and as it ends. */
  readonly onFault?: (fault: Fault, phase: 'begins' | 'ends') => void;
}

/** Carries a plan out as the clock goes on; the function returned ends that, and the faults that last. */
export function carryOut(plan: readonly PlannedFault[], options: CarryOutOptions): () => void {
  const timers = new Set<Timer>();
  const ends = new Set<() => void>();
  const after = (ms: number, work: () => void) => {
    const timer = options.clock.setTimer(ms, () => {
      timers.delete(timer);
      work();
    });
    timers.add(timer);
  };
  for (const { atMs, fault } of plan) {
    after(atMs, () => {
      options.onFault?.(fault, 'begins');
      const heal = inject(fault, options);
      if (!('forMs' in fault)) return;
      const end = () => {
        ends.delete(end);
        heal();
        options.onFault?.(fault, 'ends');
      };
      ends.add(end);
      after(fault.forMs, end);
    });
  }
  return () => {
    for (const timer of timers) timer.cancel();
    for (const end of [...ends]) end();
  };
}

const NOTHING = () => undefined;

/** Lets `fault` begin; gives what ends it. What doesn't run can't fail. */
function inject(fault: Fault, { network, restart }: CarryOutOptions): () => void {
  if ('node' in fault && !network.lives(fault.node)) return NOTHING;
  switch (fault.kind) {
    case 'kill':
      network.node(fault.node).kill();
      return () => {
        // Another fault may have had it started meanwhile.
        if (!network.lives(fault.node)) restart(fault.node);
      };
    case 'freeze': {
      const node = network.node(fault.node);
      node.freeze();
      return () => node.thaw();
    }
    case 'slow': {
      const node = network.node(fault.node);
      node.slow(fault.factor);
      return () => node.slow(1);
    }
    case 'jump':
      network.node(fault.node).jump(fault.aheadMs);
      return NOTHING;
    case 'partition':
      return network.partition(fault.from, fault.to);
    case 'block':
      return network.block(fault);
    case 'delay':
      return network.delay(fault, fault.delayMs);
    case 'empty-watch':
      return network.emptyWatch(fault);
    case 'call':
      return network.fault(fault, fault.fault);
  }
}

/** A fault in words. */
export function describeFault(fault: Fault): string {
  const forMs = 'forMs' in fault ? ` for ${fault.forMs} ms` : '';
  switch (fault.kind) {
    case 'kill':
    case 'freeze':
      return `${fault.kind} ${fault.node}${forMs}`;
    case 'slow':
      return `slow ${fault.node} by ${fault.factor}${forMs}`;
    case 'jump':
      return `the clock of ${fault.node} jumps ${fault.aheadMs} ms ahead`;
    case 'partition':
      return `cut ${fault.from} off from ${fault.to}${forMs}`;
    case 'block':
      return `cut the way from ${fault.from} to ${fault.to}${forMs}`;
    case 'delay':
      return `delay ${fault.from} to ${fault.to} by up to ${fault.delayMs} ms${forMs}`;
    case 'empty-watch':
      return `${fault.to} tells ${fault.from} that there is nobody${forMs}`;
    case 'call':
      return `the next call from ${fault.from} to ${fault.to}: ${JSON.stringify(fault.fault)}`;
  }
}

/** How a run from a seed is told of where it fails. */
export interface ReplayOptions {
  readonly seed: number;
  /** The command that runs this seed again: `npm test -- orders.test.ts -t "seed 7"`. */
  readonly command: string;
}

/**
 * Runs `work` with chance from a seed.
 *
 * @throws Error that names the seed and the command which replays it, caused by what `work` failed with.
 */
export async function fromSeed<T>({ seed, command }: ReplayOptions, work: (random: Random) => Promise<T>): Promise<T> {
  try {
    return await work(seededRandom(seed));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${reason}\n  seed ${seed}; replay: ${command}`, { cause });
  }
}
