/** A load that was offered for a while. */
export interface Step {
  /** The calls that were due, a second. */
  readonly offered: number;
  /** The calls that were answered with OK, a second. */
  readonly answered: number;
  readonly calls: number;
  readonly failed: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Whether so many calls were in flight that the step was ended. */
  readonly overfull: boolean;
}

/** A step, and what it breaks. */
export type Judged<S extends Step> = S & {
  /** Above which p99 breaks; null while that isn't known. */
  readonly limitMs: number | null;
  /** Why it doesn't hold; null if it does. */
  readonly broken: string | null;
};

/** How the loads are chosen. */
export interface ClimbOptions<S extends Step> {
  /** The first load, in calls a second. */
  readonly from: number;
  /** The highest load. */
  readonly most: number;
  /** The highest p99 that holds, in milliseconds; by default {@link TIMES_LOWEST} times the lowest so far. */
  readonly limitMs: number | undefined;
  readonly measure: (rate: number) => Promise<S>;
  readonly onStep: (step: Judged<S>) => void;
  readonly signal: AbortSignal;
}

/** A step holds if at least this share of its calls is answered. */
export const ANSWERED_SHARE = 0.95;
/** A p99 breaks that is more than so many times the lowest of the steps before. */
export const TIMES_LOWEST = 5;
/** A shorter p99 never breaks: a garbage collection takes milliseconds. */
export const SHORTEST_LIMIT_MS = 25;
/** The knee is known to this factor. */
const CLOSE = 1.12;

/**
 * Doubles the load until a step breaks, and then halves the distance, as a factor, to the highest that held. A step that breaks is
 * measured once more: one stall isn't a limit. The result has the steps by load.
 */
export async function climb<S extends Step>(options: ClimbOptions<S>): Promise<readonly Judged<S>[]> {
  const { from, most, measure, onStep, signal } = options;
  const steps: Judged<S>[] = [];
  let held: number | undefined;
  let broke: number | undefined;
  for (let rate: number | undefined = from; rate !== undefined && !signal.aborted; rate = next(held, broke, most)) {
    const limitMs = options.limitMs ?? limitAfter(steps);
    let step = judge(await measure(rate), limitMs);
    if (step.broken !== null && !signal.aborted) step = better(step, judge(await measure(rate), limitMs));
    if (signal.aborted) break; // the step is cut short
    steps.push(step);
    onStep(step);
    if (step.broken === null) held = rate;
    else broke = rate;
  }
  return steps.sort((a, b) => a.offered - b.offered);
}

/** The highest step that held. */
export const kneeOf = <S extends Step>(steps: readonly Judged<S>[]): Judged<S> | undefined =>
  steps.findLast(({ broken }) => broken === null);

function next(held: number | undefined, broke: number | undefined, most: number): number | undefined {
  if (held === undefined) return undefined;
  if (broke === undefined) return held < most ? Math.min(held * 2, most) : undefined;
  return broke / held > CLOSE ? Math.sqrt(held * broke) : undefined;
}

function limitAfter(steps: readonly Judged<Step>[]): number | null {
  const lowest = Math.min(...steps.flatMap(({ broken, p99Ms }) => (broken === null && p99Ms !== null ? [p99Ms] : [])));
  return Number.isFinite(lowest) ? Math.max(SHORTEST_LIMIT_MS, lowest * TIMES_LOWEST) : null;
}

function judge<S extends Step>(step: S, limitMs: number | null): Judged<S> {
  return { ...step, limitMs, broken: faultOf(step, limitMs) };
}

function faultOf({ offered, answered, p99Ms, overfull }: Step, limitMs: number | null): string | null {
  if (overfull) return 'too many calls were in flight';
  if (answered < offered * ANSWERED_SHARE)
    return `${Math.floor((answered / offered) * 100)} % of the calls were answered`;
  if (limitMs !== null && p99Ms !== null && p99Ms > limitMs) return `p99 is above ${Number(limitMs.toFixed(1))} ms`;
  return null;
}

function better<S extends Step>(first: Judged<S>, second: Judged<S>): Judged<S> {
  if (second.broken === null) return second;
  return second.answered > first.answered ? second : first;
}
