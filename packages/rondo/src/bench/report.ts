import { formatTable } from '../terminal/table.js';
import type { Look } from '../terminal/terminal.js';
import { formatMs } from '../top/format.js';
import { type Judged, kneeOf, type Step } from './climb.js';
import { type Fullness, fullParts, isOfGenerator, percent } from './fullness.js';

export type BenchStep = Judged<Step & Fullness>;

export interface Measured {
  /** `calculator.v1.CalculatorService/Add`. */
  readonly method: string;
  /** The instances that clients may pick. */
  readonly instances: number;
  /** By load. */
  readonly steps: readonly BenchStep[];
  /** The calls a second that shall be carried; undefined if the user named none. */
  readonly target: number | undefined;
}

/** Replicas have this much more than what they must carry: for a peak, and for one that is away. */
const HEADROOM = 1.5;

/** Finds the knee, what was full above it, and how many replicas carry the target: with the steps, the JSON of `rondo bench`. */
export function resultOf({ instances, steps, target }: Measured) {
  const knee = kneeOf(steps);
  const above = steps.find(({ offered }) => offered > (knee?.offered ?? 0)) ?? knee;
  const held = steps.filter(({ broken }) => broken === null);
  const calls = held.reduce((sum, step) => sum + step.calls, 0);
  const failed = held.reduce((sum, step) => sum + step.failed, 0);
  const availability = calls === 0 ? null : (calls - failed) / calls;
  const found = knee && {
    offered: knee.offered,
    answered: knee.answered,
    p99Ms: knee.p99Ms,
    /** LB = N / S. */
    perInstance: knee.answered / instances,
    /** Whether the load generator was the limit: the service may carry more. */
    isOfGenerator: above !== undefined && isOfGenerator(above),
  };
  return {
    /** The highest load that held; null if none did. */
    knee: found ?? null,
    full: above === undefined ? [] : fullParts(above),
    /** The share of the calls that were answered in the steps that held, and the chance that no instance answers. */
    availability,
    allFail: availability === null ? null : (1 - availability) ** instances,
    target: target ?? null,
    replicas: target === undefined || found === undefined ? null : Math.ceil((target / found.perInstance) * HEADROOM),
  };
}

/** The table, the knee and what follows from it, for people. */
export function toText(measured: Measured, look: Look): string {
  const { steps } = measured;
  const table = [HEADINGS, ...steps.map(cellsOf)];
  const style = (_: string, { row, column }: { readonly row: number; readonly column: number }) =>
    column === HEADINGS.length - 1 && steps[row - 1]?.broken ? 'red' : undefined;
  return `${formatTable(table, { ...look, style })}\n${sentences(measured).join('\n')}\n`;
}

const HEADINGS = ['OFFERED/S', 'ANSWERED/S', 'P50', 'P99', 'FAILED', 'BUSIEST LOOP', 'GENERATOR', 'MACHINE', 'HOLDS'];

function cellsOf(step: BenchStep): readonly string[] {
  const { offered, answered, p50Ms, p99Ms, failed, eventLoop, generator, machine, broken } = step;
  return [
    rate(offered),
    rate(answered),
    p50Ms === null ? '-' : formatMs(p50Ms),
    p99Ms === null ? '-' : formatMs(p99Ms),
    String(failed),
    eventLoop === null ? '-' : `${percent(eventLoop.busy)} ${eventLoop.instance}`,
    percent(generator.busy),
    percent(machine),
    broken === null ? 'yes' : `no: ${broken}`,
  ];
}

function sentences(measured: Measured): readonly string[] {
  const { instances: s, steps } = measured;
  const { knee, full, availability, allFail, target, replicas } = resultOf(measured);
  const parts = full.length === 0 ? [NOTHING_FULL] : full.map((part) => `- ${part}.`);
  const from = steps[0] === undefined ? '' : `: not even ${rate(steps[0].offered)}/s. Begin lower with --from`;
  if (knee === null) return [`No step held${from}.`, 'Full in it:', ...parts];
  const isTop = steps.at(-1)?.broken === null;
  const above = isTop
    ? 'No step broke, so the knee is above. Nearest to full in the last step:'
    : 'Full in the step above:';
  const each = rate(knee.perInstance);
  return [
    `Knee: ${rate(knee.offered)}/s, with a p99 of ${formatMs(knee.p99Ms ?? 0)}. ${above}`,
    ...parts,
    '',
    `LB = N/S = ${rate(knee.answered)}/${s} = ${each}: at the knee each of the ${s} instances answers ${each} calls a second.`,
    `ER = (1 - ${availability?.toFixed(5)})^${s} = ${allFail === 0 ? 0 : allFail?.toPrecision(2)}: docs/guides/run-a-system.md#how-many-replicas explains it.`,
    ...(target === null || replicas === null
      ? []
      : [
          `Replicas for ${rate(target)}/s: ${replicas} = ceil(${rate(target)} / ${each} × ${HEADROOM}), ${knee.isOfGenerator ? 'or fewer, as the generator was the limit' : 'if what they share, such as a database or a machine, carries that'}.`,
        ]),
  ];
}

const NOTHING_FULL =
  '- nothing that is measured here: the calls wait elsewhere, for another service, a lock or a statement. rondo trace --slow shows where.';

const rate = (perSecond: number): string => (perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(1));
