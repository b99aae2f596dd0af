import type { Clock, Random, Timer } from '@rondo/rpc/clock';
import { type createFaultNetwork, seededRandom } from '@rondo/rpc/testing';

/** A network inside one process, with faults on command. */
export type FaultNetwork = ReturnType<typeof createFaultNetwork>;
/** One process in it. */
export type FaultNode = ReturnType<FaultNetwork['node']>;

type CallFault = Parameters<FaultNetwork['fault']>[1];

/** A fault. One with `forMs` lasts that long, in milliseconds. */
export type Fault =
  /** A killed process is replaced by a new one after `forMs`. */
  | { readonly kind: 'kill' | 'freeze'; readonly node: string; readonly forMs: number }
  | { readonly kind: 'slow'; readonly node: string; readonly factor: number; readonly forMs: number }
  | { readonly kind: 'jump'; readonly node: string; readonly aheadMs: number }
  /** Blocks both directions (`partition`) or one (`block`). */
  | { readonly kind: 'partition' | 'block'; readonly from: string; readonly to: string; readonly forMs: number }
  | {
      readonly kind: 'delay';
      readonly from: string;
      readonly to: string;
      readonly delayMs: number;
      readonly forMs: number;
    }
  /** A registry reports that there are no instances. */
  | { readonly kind: 'empty-watch'; readonly from: string; readonly to: string; readonly forMs: number }
  | { readonly kind: 'call'; readonly from: string; readonly to: string; readonly fault: CallFault };

/** A fault, and its time from the start of the plan. Milliseconds. */
export interface PlannedFault {
  readonly atMs: number;
  readonly fault: Fault;
}

export interface PlanOptions {
  readonly random: Random;
  /** The processes that are killed, frozen or slowed down, or whose clocks jump. */
  readonly nodes: readonly string[];
  /** The routes that are cut or delayed, or lose calls. */
  readonly routes: readonly { readonly from: string; readonly to: string }[];
  /** The kinds to draw from, each as often as it is listed; all but `empty-watch` if missing. */
  readonly kinds?: readonly Fault['kind'][];
  readonly count: number;
  /** The time by which all faults have ended. Milliseconds. */
  readonly untilMs: number;
}

const KINDS: readonly Fault['kind'][] = ['kill', 'freeze', 'slow', 'jump', 'partition', 'block', 'delay', 'call'];

/** Draws faults, in the order of their start. The same seed draws the same plan. */
export function planFaults(options: PlanOptions): readonly PlannedFault[] {
  const { count, untilMs, random } = options;
  const plan = Array.from({ length: count }, () => {
    const atMs = Math.floor(random.next() * untilMs * 0.95);
    return { atMs, fault: drawFault(options, untilMs - atMs) };
  });
  return plan.sort((one, other) => one.atMs - other.atMs);
}

/**
 * Draws one of `items`.
 *
 * @throws RangeError if there are none.
 */
export function pickOne<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random.next() * items.length)];
  if (item === undefined) throw new RangeError('a plan needs at least one node, one route and one kind');
  return item;
}

function drawFault({ random, nodes, routes, kinds = KINDS }: PlanOptions, leftMs: number): Fault {
  const between = (min: number, max: number) => Math.round(min + random.next() * (max - min));
  const kind = pickOne(random, kinds);
  const forMs = Math.min(leftMs, between(200, random.next() < 0.3 ? 15_000 : 4_000));
  const route = () => pickOne(random, routes);
  switch (kind) {
    case 'kill':
    case 'freeze':
      return { kind, node: pickOne(random, nodes), forMs };
    case 'slow':
      return { kind, node: pickOne(random, nodes), factor: between(5, 50), forMs };
    case 'jump':
      return { kind, node: pickOne(random, nodes), aheadMs: between(100, 15_000) };
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
  const kind = pickOne(random, ['drop', 'drop', 'duplicate', 'reorder'] as const);
  if (kind === 'duplicate') return { kind, afterMs: between(0, 3_000) };
  if (kind === 'reorder') return { kind, withinMs: between(50, 2_000) };
  return { kind, what: pickOne(random, ['request', 'reply']), seen: pickOne(random, ['loss', 'silence']) };
}

export interface CarryOutOptions {
  readonly network: FaultNetwork;
  /** The true time. */
  readonly clock: Clock;
  /** Starts the process of a killed node again. */
  readonly restart: (node: string) => void;
  /** Runs when a fault begins, and when it ends. */
  readonly onFault?: (fault: Fault, phase: 'begins' | 'ends') => void;
}

/** Injects the faults of a plan as the clock goes on. The returned function stops that and ends the lasting faults. */
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

/** Injects `fault` and returns the function that ends it. A node that isn't alive is skipped. */
function inject(fault: Fault, { network, restart }: CarryOutOptions): () => void {
  if ('node' in fault && !network.lives(fault.node)) return NOTHING;
  switch (fault.kind) {
    case 'kill':
      network.node(fault.node).kill();
      return () => {
        // Another fault may have restarted it meanwhile.
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
      return `${fault.to} tells ${fault.from} that there are no instances${forMs}`;
    case 'call':
      return `the next call from ${fault.from} to ${fault.to}: ${JSON.stringify(fault.fault)}`;
  }
}

/** How a failed run is reported. */
export interface ReplayOptions {
  readonly seed: number;
  /** The command that repeats this seed: `npm test -- orders.test.ts -t "seed 7"`. */
  readonly command: string;
}

/**
 * Runs `work` with random numbers from a seed.
 *
 * @throws Error that names the seed and the command to replay it; its cause is the error of `work`.
 */
export async function fromSeed<T>({ seed, command }: ReplayOptions, work: (random: Random) => Promise<T>): Promise<T> {
  try {
    return await work(seededRandom(seed));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${reason}\n  seed ${seed}; replay: ${command}`, { cause });
  }
}
