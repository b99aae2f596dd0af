import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/rpc/testing';
import { type Dependencies, findCircle } from './dependencies.js';
import { DependencyCircle, TaskNeeded } from './task-errors.js';

/** Finds a circle by brute force: it removes tasks without dependencies until none is left, or none can be removed. */
function hasCircle(dependencies: Dependencies): boolean {
  const left = new Map(dependencies);
  for (;;) {
    const ready = [...left].find(([, on]) => !on.some((id) => left.has(id)));
    if (ready === undefined) return left.size > 0;
    left.delete(ready[0]);
  }
}

describe('a circle of dependencies', () => {
  it('has no task that is unknown', () => {
    expect(findCircle(new Map([['a', ['x']]]))).toBeUndefined();
  });

  it('is found if and only if there is one, in random dependencies', () => {
    const { next: random } = seededRandom(7);
    for (let round = 0; round < 500; round += 1) {
      const ids = Array.from({ length: 1 + Math.floor(random() * 8) }, (_, index) => `t${index}`);
      const dependencies = new Map(ids.map((id) => [id, ids.filter(() => random() < 0.18)]));
      const circle = findCircle(dependencies);
      expect(circle !== undefined).toBe(hasCircle(dependencies));
      circle?.forEach((id, index) => {
        expect(dependencies.get(id)).toContain(circle[(index + 1) % circle.length]);
      });
      expect(new Set(circle).size).toBe(circle?.length ?? 0);
    }
  });

  it('is searched in a long chain without recursion, and once per task', () => {
    const long = 30_000;
    const chain = Array.from({ length: long }, (_, index): [string, string[]] => [`t${index}`, [`t${index + 1}`]]);
    expect(findCircle(new Map(chain))).toBeUndefined();
    expect(findCircle(new Map([...chain, [`t${long}`, ['t0']]]))).toHaveLength(long + 1);
  });

  it('is reported with a bounded number of names', () => {
    const circle: [string, ...string[]] = ['first', ...Array.from({ length: 500 }, (_, index) => `t${index}`)];
    const { message } = new DependencyCircle('p', circle);
    expect(message).toContain('first → t0 → t1 → t2 → t3 → t4 → t5 → t6 → t7 → 492 more → first');
    expect(new TaskNeeded('projects/p/tasks/t', circle).message).toContain('t6 and others');
  });
});
