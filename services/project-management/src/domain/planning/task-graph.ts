/** What a plan knows of a task that is open or in progress. */
export interface RemainingTask {
  readonly id: string;
  /** From 0 to 10,000,000; what has been begun counts whole. */
  readonly effortMinutes: number;
  readonly assigneeId: string | undefined;
}

/** That a task waits for another. */
export interface Dependency {
  readonly taskId: string;
  readonly dependsOnId: string;
}

/**
 * The tasks of a project that remain, and which wait for which. Tasks are known by their place in `tasks`, so that the
 * smaller number is the older task.
 */
export interface TaskGraph {
  /** The oldest first. */
  readonly tasks: readonly RemainingTask[];
  /** By task: those that wait for it, the oldest first. */
  readonly dependents: readonly (readonly number[])[];
  /** By task: for how many others it waits. */
  readonly waitsFor: readonly number[];
}

/**
 * The graph of these tasks, given the oldest first. A dependency on what isn't among them holds nothing up: work that is
 * done, cancelled or deleted is waited for by nobody, nor is what stood before it.
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
 * The tasks in an order in which each comes after all that it waits for (Kahn, 1962).
 *
 * @throws Error where tasks wait for each other in a circle, which the store keeps out.
 */
export function workOrder({ tasks, dependents, waitsFor }: TaskGraph): readonly number[] {
  const waits = [...waitsFor];
  const order: number[] = [];
  waits.forEach((count, task) => {
    if (count === 0) order.push(task);
  });
  // Grows while it is walked: a task is added by the last that it waited for.
  for (const task of order) {
    for (const waiting of dependents[task] ?? []) {
      const left = (waits[waiting] ?? 0) - 1;
      waits[waiting] = left;
      if (left === 0) order.push(waiting);
    }
  }
  if (order.length < tasks.length) throw new Error('tasks wait for each other in a circle');
  return order;
}

/** The longest chain of work. */
interface CriticalPath {
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
