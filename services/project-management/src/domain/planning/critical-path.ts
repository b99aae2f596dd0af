import { type TaskGraph, workOrder } from './task-graph.js';

/** The longest chain of work. */
export interface CriticalPath {
  /** In the order in which they are done. */
  readonly taskIds: readonly string[];
  readonly minutes: number;
}

/**
 * The critical path: of all chains of remaining tasks of which each waits for the one before, that with the most effort.
 *
 * A chain begins and ends with a task that has effort, so that milestones stand only between others. Of several chains as
 * long, it is the one whose first task is the oldest; then, whose second is, and so on. Without effort there is none.
 * Linear in tasks and dependencies.
 */
export function criticalPathOf(graph: TaskGraph): CriticalPath {
  const tails = tailsOf(graph);
  const minutes = tails.reduce((most, tail) => Math.max(most, tail), 0);
  const taskIds: string[] = [];
  let left = minutes;
  let candidates: readonly number[] = [...graph.tasks.keys()].filter((task) => graph.tasks[task]?.effortMinutes !== 0);
  while (left > 0) {
    const task = firstWithTail(candidates, tails, left);
    const { id, effortMinutes } = graph.tasks[task] ?? { id: '', effortMinutes: left };
    taskIds.push(id);
    left -= effortMinutes;
    candidates = graph.dependents[task] ?? [];
  }
  return { taskIds, minutes };
}

/** By task: the most effort of a chain that begins with it. */
function tailsOf(graph: TaskGraph): readonly number[] {
  const tails = graph.tasks.map(() => 0);
  for (const task of workOrder(graph).toReversed()) {
    let longest = 0;
    for (const waiting of graph.dependents[task] ?? []) longest = Math.max(longest, tails[waiting] ?? 0);
    tails[task] = longest + (graph.tasks[task]?.effortMinutes ?? 0);
  }
  return tails;
}

/** Candidates come the oldest first. */
function firstWithTail(candidates: readonly number[], tails: readonly number[], minutes: number): number {
  for (const task of candidates) if (tails[task] === minutes) return task;
  throw new Error(`no task has ${minutes} minutes before it, as a tail of a chain must`);
}
