/** The ids of tasks that depend on each other: each on the next one, and the last on the first. */
export type Circle = readonly [string, ...string[]];

/** The dependencies of tasks, by task id. A dependency needn't be a key itself. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/** A task on the path of the depth-first search, with its unvisited dependencies. */
interface Step {
  readonly id: string;
  readonly rest: Iterator<string>;
}

/**
 * Finds a circle of dependencies; undefined if there is none. It takes linear time. It is a depth-first search without
 * recursion, so that a long chain can't overflow the stack.
 */
export function findCircle(dependencies: Dependencies): Circle | undefined {
  const done = new Set<string>();
  for (const start of dependencies.keys()) {
    const circle = circleBelow(start, dependencies, done);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/** Searches from `start`. Adds to `done` each task from which no circle can be reached. */
function circleBelow(start: string, dependencies: Dependencies, done: Set<string>): Circle | undefined {
  if (done.has(start)) return undefined;
  const onPath = new Set<string>();
  const steps: Step[] = [];
  const enter = (id: string): void => {
    onPath.add(id);
    steps.push({ id, rest: (dependencies.get(id) ?? []).values() });
  };
  enter(start);
  for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
    const { done: finished, value: next } = step.rest.next();
    if (finished) {
      done.add(step.id);
      onPath.delete(step.id);
      steps.pop();
    } else if (onPath.has(next)) {
      return circleFrom(next, steps);
    } else if (!done.has(next)) {
      enter(next);
    }
  }
  return undefined;
}

function circleFrom(first: string, steps: readonly Step[]): Circle {
  const ids = steps.map(({ id }) => id);
  return [first, ...ids.slice(ids.indexOf(first) + 1)];
}
