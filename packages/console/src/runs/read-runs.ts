import type { Run, RunStep } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { EventOf } from '../calls/use-stream.js';
import type { Json } from '../page/json.js';
import type { Tone } from '../ui/parts.js';
import { type Silent, takeSilent } from '../ui/silent.js';
import { formatDate } from '../ui/text.js';

/** A run, and an instance that resolves it. */
export type ShownRun = Json<Run> & { readonly instanceId: string };

/** What instances report. */
export interface Runs {
  readonly byInstance: ReadonlyMap<string, readonly Json<Run>[]>;
  readonly silent: Silent;
}

/** Takes an event of `WatchRuns`. */
export function takeRuns(before: Runs | undefined, event: EventOf<'watchRuns'>): Runs {
  const byInstance = new Map(before?.byInstance);
  for (const { instanceId = '', runs = [] } of event.told ?? []) byInstance.set(instanceId, runs);
  return { byInstance, silent: takeSilent(before?.silent, event) };
}

/** Those that are blocked or parked first, then the newest. Replicas of a service report the same: what has one name is one. */
export function runsIn({ byInstance }: Runs): readonly ShownRun[] {
  const all = [...byInstance].flatMap(([instanceId, runs]) => runs.map((run) => ({ ...run, instanceId })));
  const newestFirst = ({ createTime: one = '' }: ShownRun, { createTime: other = '' }: ShownRun) =>
    Number(other > one) - Number(other < one);
  const runs = [...new Map(all.map((run) => [run.name, run])).values()].sort(newestFirst);
  return [...runs.filter(isStuck), ...runs.filter((run) => !isStuck(run))];
}

/** Whether a run waits for an operator, or for a process whose function fits. */
export const isStuck = ({ state }: Json<Run>): boolean => state === 'RUN_STATE_BLOCKED' || state === 'RUN_STATE_PARKED';

/** Such as `waiting`, and what it means. */
export function stateOf({ state = '', undoing = false }: Json<Run>): readonly [text: string, tone: Tone] {
  const [text, tone] = TEXTS[state] ?? [state.replace('RUN_STATE_', '').toLowerCase(), ''];
  return undoing ? [`${text}, undoing`, tone || 'warn'] : [text, tone];
}

const TEXTS: Readonly<Record<string, readonly [string, Tone]>> = {
  RUN_STATE_RUNNING: ['running', 'good'],
  RUN_STATE_PARKED: ['parked', 'warn'],
  RUN_STATE_BLOCKED: ['blocked', 'fault'],
  RUN_STATE_SUCCEEDED: ['succeeded', 'good'],
  RUN_STATE_FAILED: ['failed', 'fault'],
};

/** Why the run doesn't go on now, or how it has ended; empty if it runs. */
export function reasonOf({ error = '', dueTime, endTime, steps = [] }: Json<Run>): string {
  const open = steps.find((step) => step.endTime === undefined);
  const waits = open && WAITS[open.kind ?? '']?.(open.name ?? '');
  const until = dueTime === undefined || endTime !== undefined ? '' : `until ${formatDate(dueTime)}`;
  return [error, [waits, (waits || error) && until].filter(Boolean).join(' ')].filter(Boolean).join('; ');
}

/** What a step waits for that has no outcome yet, by its kind. */
const WAITS: Readonly<Record<string, (name: string) => string>> = {
  child: (name) => `waits for the workflow of ${name}`,
  sleep: (name) => `sleeps in ${name}`,
  wait: (name) => `waits for the signal of ${name}`,
};

/** A step on the time line of its run, in milliseconds from the run's begin. */
export interface Placed {
  readonly step: Json<RunStep>;
  readonly start: number;
  readonly length: number;
}

/** Places the steps; one without an outcome lasts until now. Returns also how long all is. Milliseconds. */
export function placed({ createTime = '', endTime, steps = [] }: Json<Run>, nowMs: number) {
  const begin = Date.parse(createTime);
  const end = endTime === undefined ? nowMs : Date.parse(endTime);
  const rows: readonly Placed[] = steps.map((step) => {
    const start = Date.parse(step.beginTime ?? createTime) - begin;
    const stop = step.endTime === undefined ? end : Date.parse(step.endTime);
    return { step, start: Math.max(0, start), length: Math.max(0, stop - begin - start) };
  });
  return { rows, whole: Math.max(1, end - begin) };
}
