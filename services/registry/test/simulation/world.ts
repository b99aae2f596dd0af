import type { Random } from '@rondo/rpc/clock';
import { createFaultNetwork, type FaultNetwork, ManualClock, seededRandom } from '@rondo/rpc/testing';
import { Trace } from './trace.js';
import { Troubles } from './troubles.js';
import { type Finding, Violation } from './violation.js';

/** Where everything of one simulation happens. */
export interface World {
  /** The true time. */
  readonly clock: ManualClock;
  readonly random: Random;
  readonly network: FaultNetwork;
  readonly trace: Trace;
  readonly troubles: Troubles;
  /** The first thing that was found to be wrong. */
  readonly violation: () => Violation | undefined;
  report(finding: Finding): void;
}

/** Makes a world from a seed. */
export function createWorld(seed: number, print?: (line: string) => void): World {
  const clock = new ManualClock();
  const trace = new Trace(clock, print);
  let violation: Violation | undefined;
  return {
    clock,
    random: seededRandom(seed),
    network: createFaultNetwork({ clock, random: seededRandom(seed + 1), latencyMs: 1 }),
    trace,
    troubles: new Troubles(clock),
    violation: () => violation,
    report(finding) {
      trace.note(finding.node, `VIOLATION ${finding.rule}: ${finding.detail}`);
      violation ??= new Violation(finding, { atMs: trace.atMs, trace: String(trace) });
    },
  };
}
