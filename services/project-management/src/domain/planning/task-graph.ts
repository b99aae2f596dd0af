/** A task that is open or in progress, as planning sees it. */
export interface RemainingTask {
  readonly id: string;
  /** From 0 to 10,000,000. The effort of a task in progress counts whole. */
  readonly effortMinutes: number;
  readonly assigneeId: string | undefined;
}

/** A dependency of one task on another. */
export interface Dependency {
  readonly taskId: string;
  readonly dependsOnId: string;
}

/**
 * The remaining tasks of a project and their dependencies. A task is identified by its index in `tasks`, so the smaller
 * number is the older task.
 */
export interface TaskGraph {
  /** The oldest first. */
  readonly tasks: readonly RemainingTask[];
  /** By task: the tasks that depend on it, the oldest first. */
  readonly dependents: readonly (readonly number[])[];
  /** By task: the number of tasks that it depends on. */
  readonly waitsFor: readonly number[];
}

/**
 * Builds the graph of tasks, which are given the oldest first. A dependency on a task that isn't among them is ignored:
 * nothing waits for a task that is done, cancelled or deleted, nor for the tasks before it.
 */
export function createTaskGraph(tasks: readonly RemainingTask[], dependencies: readonly Dependency[]): TaskGraph {
  const placeOf = new Map(tasks.map(({ id }, place) => [id, place]));
  const dependents: number[][] = tasks.map(() => []);
  const waitsFor = tasks.map(() => 0);
  for (const { taskId, dependsOnId } of dependencies) {
    const task = placeOf.get(taskId);
    const earlier = placeOf.get(dependsOnId);
    if (task === undefined || earlier === undefined) continue;
    dependents[earlier]?.push(task);
    waitsFor[task] = (waitsFor[task] ?? 0) + 1;
  }
  for (const waiting of dependents) if (waiting.length > 1) waiting.sort((a, b) => a - b);
  return { tasks, dependents, waitsFor };
}

/**
 * The tasks in topological order: each comes after all tasks that it depends on (Kahn, 1962).
 *
 * @throws Error if tasks depend on each other in a circle. The store doesn't accept such tasks.
 */
export function workOrder({ tasks, dependents, waitsFor }: TaskGraph): readonly number[] {
  const waits = [...waitsFor];
  const order: number[] = [];
  waits.forEach((count, task) => {
    if (count === 0) order.push(task);
  });
  // `order` grows during the iteration: a task is added after the last task that it depends on.
  for (const task of order) {
    for (const waiting of dependents[task] ?? []) {
      const left = (waits[waiting] ?? 0) - 1;
      waits[waiting] = left;
      if (left === 0) order.push(waiting);
    }
  }
  if (order.length < tasks.length) throw new Error('tasks depend on each other in a circle');
  return order;
}

/** The longest chain of work. */
interface CriticalPath {
  /** The tasks in the order in which they are done. */
  readonly taskIds: readonly string[];
  readonly minutes: number;
}

/**
 * The critical path: the chain of remaining tasks with the most effort, in which each task depends on the one before
 * it.
 *
 * A chain begins and ends with a task that has effort, so milestones are only in between. If several chains have the
 * same effort, it is the chain with the oldest first task, then with the oldest second task, and so on. If no task has
 * effort, the path is empty. It takes linear time.
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

/** By task: the largest effort of a chain that begins with it. */
function tailsOf(graph: TaskGraph): readonly number[] {
  const tails = graph.tasks.map(() => 0);
  for (const task of workOrder(graph).toReversed()) {
    let longest = 0;
    for (const waiting of graph.dependents[task] ?? []) longest = Math.max(longest, tails[waiting] ?? 0);
    tails[task] = longest + (graph.tasks[task]?.effortMinutes ?? 0);
  }
  return tails;
}

/** Finds the first candidate whose tail has `minutes`. Candidates are given the oldest first. */
function firstWithTail(candidates: readonly number[], tails: readonly number[], minutes: number): number {
  for (const task of candidates) if (tails[task] === minutes) return task;
  throw new Error(`no candidate begins a chain of ${minutes} minutes`);
}
