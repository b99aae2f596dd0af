import { describe, expect, it } from '@jest/globals';
import { Shares } from './shares.js';

/** A bound of 100, and what has been given up by name. A name's first letter is its client. */
function start() {
  const shares = new Shares(100);
  const givenUp: string[] = [];
  const share = (name: string) => shares.of(name.charAt(0), () => givenUp.push(name));
  return { shares, givenUp, share };
}

describe('shares', () => {
  it('give a client half of what the others leave free', () => {
    const { shares, share } = start();
    for (const [name, amount] of [
      ['a1', 50],
      ['b1', 25],
      ['c1', 13],
    ] as const) {
      const one = share(name);
      expect([one.hold(amount + 1), one.hold(amount)]).toEqual([false, true]);
      one.settle();
    }
    expect(shares.amount).toBe(88);
  });

  it('take room from the client that keeps most, what has waited the longest first', () => {
    const { share, givenUp } = start();
    const [first, second, third] = [share('a1'), share('a2'), share('a3')];
    for (const each of [first, second, third]) each.hold(15);
    // It has moved.
    first.hold(16);
    expect(share('b1').hold(30)).toBe(true);
    expect(givenUp).toEqual(['a2']);
    expect([second.amount, first.amount, third.amount]).toEqual([0, 16, 15]);
    expect(share('c1').hold(40)).toBe(false);
  });

  it('of one client make room for each other, but not for themselves alone', () => {
    const { share, givenUp } = start();
    const stale = share('a1');
    stale.hold(45);
    const next = share('a2');
    expect(next.hold(20)).toBe(true);
    expect(givenUp).toEqual(['a1']);
    expect([next.hold(51), next.amount]).toEqual([false, 20]);
  });

  it('are taken from a client that waits, if one that keeps more does not', () => {
    const { share, givenUp } = start();
    const whole = share('a1');
    whole.hold(50);
    whole.settle();
    share('b1').hold(25);
    expect(share('c1').hold(20)).toBe(true);
    expect(givenUp).toEqual(['b1']);
  });

  it('keep nothing any more once they are given up, while what they were for ends', () => {
    const { shares } = start();
    const stale = shares.of('a', () => stale.hold(20));
    stale.hold(45);
    expect(shares.of('b').hold(40)).toBe(true);
    expect([stale.hold(10), stale.hold(0), shares.amount]).toEqual([false, true, 40]);
  });

  it('keep what waits for nothing, and are free once it is given back', () => {
    const { shares, share, givenUp } = start();
    const whole = share('a1');
    whole.hold(50);
    whole.settle();
    expect([share('a2').hold(10), share('b1').hold(30), givenUp]).toEqual([false, false, []]);
    whole.hold(0);
    expect([share('b1').hold(50), shares.amount]).toEqual([true, 50]);
  });
});
