import { describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { RetryBudget } from './failure.js';

/** Attempts that `calls` calls make, of which each fails as often as it is tried where `fails` says so. */
function attemptsOf(budget: RetryBudget, calls: number, fails: () => boolean): number {
  let attempts = 0;
  for (let call = 0; call < calls; call += 1) {
    budget.deposit();
    attempts += 1;
    while (fails() && budget.withdraw()) attempts += 1;
  }
  return attempts;
}

function spendAll(budget: RetryBudget): number {
  let spent = 0;
  while (budget.withdraw()) spent += 1;
  return spent;
}

describe('a retry budget', () => {
  it.each([1, 2, 3, 4, 5])('bounds attempts to 1.2 times the calls in steady state (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    for (const failureRate of [0.05, 0.3, 0.7, 1]) {
      const clock = new ManualClock();
      const budget = new RetryBudget({ clock });
      attemptsOf(budget, 2_000, () => random.next() < failureRate);
      const calls = 1_000 + Math.floor(random.next() * 10_000);
      // What was saved is spent once: a fifth of the calls of the last 10 s, and the reserve.
      expect(attemptsOf(budget, calls, () => true)).toBeLessThanOrEqual(calls * 1.2 + 2_000 * 0.2 + 100);
      await clock.advance(30_000);
      for (let second = 0; second < 30; second += 1) {
        expect(attemptsOf(budget, 300, () => true)).toBeLessThanOrEqual(300 * 1.2 + (second === 0 ? 100 : 1));
        await clock.advance(1_000);
      }
    }
  });

  it('has a reserve at first, and then what calls pay in', () => {
    const budget = new RetryBudget({ ratio: 0.5, reserve: 3, clock: new ManualClock() });
    expect(spendAll(budget)).toBe(3);
    budget.deposit();
    expect(spendAll(budget)).toBe(0);
    budget.deposit();
    expect(spendAll(budget)).toBe(1);
  });

  it('forgets what old calls have paid in, also when the next call comes before the next retry', async () => {
    const clock = new ManualClock();
    const budget = new RetryBudget({ ratio: 1, reserve: 3, clock });
    for (let call = 0; call < 100; call += 1) budget.deposit();
    await clock.advance(20_000);
    budget.deposit();
    expect(spendAll(budget)).toBe(4);
  });

  it('saves what the calls of the last 10 s account for, so that an instance may freeze under any load', async () => {
    const clock = new ManualClock();
    const budget = new RetryBudget({ clock });
    for (let second = 0; second < 60; second += 1) {
      for (let call = 0; call < 300; call += 1) budget.deposit();
      await clock.advance(1_000);
    }
    // 300 calls a second over three replicas, of which one is frozen for 2.6 s: 260 calls in flight there.
    expect(spendAll(budget)).toBeGreaterThanOrEqual(600);
    for (let call = 0; call < 3_000; call += 1) budget.deposit();
    await clock.advance(20_000);
    expect(spendAll(budget)).toBe(100);
  });
});
