/** Ids of tasks that wait for each other: each for the one after it, and the last for the first. */
export type Circle = readonly [string, ...string[]];

/** By a task's id: those of the tasks that it depends on, of which some may not be keys. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/** The work at a task on the way down: which of its dependencies is next. */
interface Step {
  readonly id: string;
  readonly rest: Iterator<string>;
}

/**
 * A circle among tasks; undefined where there is none. Linear in tasks and dependencies, and without recursion, so that no
 * chain is too long.
 */
export function findCircle(dependencies: Dependencies): Circle | undefined {
  const done = new Set<string>();
  for (const start of dependencies.keys()) {
    const circle = circleBelow(start, dependencies, done);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/** Goes down from `start`; `done` are those below which there is no circle, and grows. */
function circleBelow(start: string, dependencies: Dependencies, done: Set<string>): Circle | undefined {
  if (done.has(start)) return undefined;
  const onWay = new Set<string>();
  const steps: Step[] = [];
  const enter = (id: string): void => {
    onWay.add(id);
    steps.push({ id, rest: (dependencies.get(id) ?? []).values() });
  };
  enter(start);
  for (let step = steps.at(-1); step !== undefined; step = steps.at(-1)) {
    const { done: finished, value: next } = step.rest.next();
    if (finished) {
      done.add(step.id);
      onWay.delete(step.id);
      steps.pop();
    } else if (onWay.has(next)) {
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
