import type { Clock } from '@rondo/rpc/clock';
import { createFaultNetwork, ManualClock, seededRandom } from '@rondo/rpc/testing';

/** The environment of one simulation. */
export type World = ReturnType<typeof createWorld>;

/** Creates a world from a seed. */
export function createWorld(seed: number, print?: (line: string) => void) {
  const clock = new ManualClock();
  const trace = new Trace(clock, print);
  let violation: Violation | undefined;
  return {
    /** The true time. */
    clock,
    random: seededRandom(seed),
    network: createFaultNetwork({ clock, random: seededRandom(seed + 1), latencyMs: 1 }),
    trace,
    disturbances: new Disturbances(clock),
    /** The first violation; undefined if there is none. */
    violation: () => violation,
    report(finding: Finding): void {
      trace.note(finding.node, `VIOLATION ${finding.rule}: ${finding.detail}`);
      violation ??= new Violation(finding, { atMs: trace.atMs, trace: String(trace) });
    },
  };
}

/** How many events the message of a violation shows. */
const SHOWN = 25;

/** The events of a simulation: it keeps the last ones for the message of a violation and can print all of them. */
class Trace {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #print: ((line: string) => void) | undefined;
  readonly #last: string[] = [];

  /** @param print called with every event as it happens. */
  constructor(clock: Clock, print?: (line: string) => void) {
    this.#clock = clock;
    this.#startMs = clock.now();
    this.#print = print;
  }

  /** Virtual time since the start, in milliseconds. */
  get atMs(): number {
    return this.#clock.now() - this.#startMs;
  }

  note(node: string, event: string): void {
    const line = `${(this.atMs / 1000).toFixed(3).padStart(8)} s  ${node.padEnd(12)} ${event}`;
    this.#print?.(line);
    this.#last.push(line);
    if (this.#last.length > SHOWN) this.#last.shift();
  }

  /** The last events, one a line. */
  toString(): string {
    return this.#last.join('\n');
  }
}

/** A violation of a promise. */
interface Finding {
  /** The broken promise. */
  readonly rule: Rule;
  readonly node: string;
  readonly detail: string;
}

/** The promises that are checked. */
type Rule =
  | 'a safe call fails only if no instance could take it'
  | 'no client calls an instance that it knows to want no calls'
  | 'no instance is kept after its time'
  | 'a deregistration is final'
  | 'only an instance itself changes its registration'
  | 'the later incarnation wins'
  | 'a live instance is registered again in time'
  | 'positions never go back'
  | 'every watcher converges'
  | 'no timer leaks';

/** The first violation, with the events before it. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly rule: Rule;

  constructor({ rule, node, detail }: Finding, { atMs, trace }: { readonly atMs: number; readonly trace: string }) {
    super(`${rule}, but at ${(atMs / 1000).toFixed(3)} s ${node}: ${detail}\nthe last events:\n${trace}`);
    this.rule = rule;
  }
}

interface Disturbance {
  /** One node, or the two ends of a route. */
  readonly nodes: readonly string[];
  endedAt: number;
}

const GOING_ON = Number.POSITIVE_INFINITY;

/** The faults of nodes and of the routes between them, past and present. They excuse what a process couldn't do. */
class Disturbances {
  readonly #clock: Clock;
  readonly #disturbances: Disturbance[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Notes a fault of a node, or between two nodes, that lasts until the returned function is called and `afterMs`
   * longer.
   */
  begin(nodes: readonly string[], afterMs = 0): () => void {
    const disturbance: Disturbance = { nodes, endedAt: GOING_ON };
    this.#disturbances.push(disturbance);
    return () => {
      disturbance.endedAt = Math.min(disturbance.endedAt, this.#clock.now() + afterMs);
    };
  }

  /** Notes a fault that lasts for `forMs`. */
  brief(nodes: readonly string[], forMs = 0): void {
    this.#disturbances.push({ nodes, endedAt: this.#clock.now() + forMs });
  }

  /** Since when there has been no fault of either node or between them; `Infinity` during a fault. */
  calmSince(one: string, other: string): number {
    let since = 0;
    for (const { nodes, endedAt } of this.#disturbances) {
      const concerned = nodes.every((node) => node === one || node === other);
      if (concerned) since = Math.max(since, endedAt > this.#clock.now() ? GOING_ON : endedAt);
    }
    return since;
  }
}
