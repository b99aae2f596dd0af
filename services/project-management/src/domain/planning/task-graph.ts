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
