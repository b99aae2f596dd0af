import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../testing/index.js';
import { RetryBudget } from './retry-budget.js';

/** Attempts that `calls` calls make, of which each fails with `failureRate` as often as it is tried. */
function attemptsOf(budget: RetryBudget, calls: number, fails: () => boolean): number {
  let attempts = 0;
  for (let call = 0; call < calls; call += 1) {
    budget.deposit();
    attempts += 1;
    while (fails() && budget.withdraw()) attempts += 1;
  }
  return attempts;
}

describe('a retry budget', () => {
  it.each([1, 2, 3, 4, 5])('bounds attempts to 1.2 times the calls in steady state (seed %i)', (seed) => {
    const random = seededRandom(seed);
    for (const failureRate of [0.05, 0.3, 0.7, 1]) {
      const budget = new RetryBudget();
      const fails = () => random.next() < failureRate;
      attemptsOf(budget, 2_000, fails); // what was saved before is spent
      const calls = 1_000 + Math.floor(random.next() * 10_000);
      expect(attemptsOf(budget, calls, () => true)).toBeLessThanOrEqual(calls * 1.2 + 100);
      expect(attemptsOf(budget, calls, () => true)).toBeLessThanOrEqual(calls * 1.2 + 1);
    }
  });

  it('allows a burst at first, and then what calls pay in', () => {
    const budget = new RetryBudget({ ratio: 0.5, capacity: 3 });
    const spend = () => {
      let spent = 0;
      while (budget.withdraw()) spent += 1;
      return spent;
    };
    expect(spend()).toBe(3);
    budget.deposit();
    expect(spend()).toBe(0);
    budget.deposit();
    expect(spend()).toBe(1);
    for (let call = 0; call < 100; call += 1) budget.deposit();
    expect(spend()).toBe(3);
  });
});
