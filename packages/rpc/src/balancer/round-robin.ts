import type { Random } from '../clock/index.js';
import type { Balancing } from '../contract/index.js';
import { evenPoints } from './low-discrepancy.js';
import { type BalancingPolicy, type Candidate, drawn, nextUntried, type Picker } from './picker.js';
import { Shares, type Weighing, weigh } from './weights.js';

/** Each in turn. While newcomers' shares grow, each as often as its ramp says. */
export function roundRobin(random: Random): BalancingPolicy {
  return inTurn(random, 'even');
}

/** Each as often as it weighs, without bursts: between two calls of a light one a heavy one gets about its share. */
export function weightedRoundRobin(random: Random, weights: Balancing['weights']): BalancingPolicy {
  return inTurn(random, weights);
}

/** Turns are counted up to here, where numbers still cost nothing. */
const LAST_TURN = 2 ** 30 - 1;

/**
 * Each as often as it weighs, as evenly over time as that goes: exactly in turn where all weigh the same. Where it
 * stands is a number that is the policy's, not the list's: another list goes on where the last one was. It begins
 * anywhere, so that clients that start together don't all begin with the same instance.
 */
function inTurn(random: Random, weighing: Weighing): BalancingPolicy {
  let turn = Math.floor(random.next() * LAST_TURN);
  const nextTurn = () => {
    turn = (turn + 1) & LAST_TURN;
    return turn;
  };
  const nextPoint = evenPoints(random);
  return {
    over(candidates) {
      const shares = new Shares(weigh(candidates, weighing));
      return shares.even ? oneByOne(candidates, nextTurn) : drawn(candidates, () => shares.at(nextPoint()));
    },
  };
}

function oneByOne<C extends Candidate>(candidates: readonly C[], nextTurn: () => number): Picker<C> {
  return {
    pick({ tried }) {
      const turn = nextTurn();
      if (tried.length === 0) return candidates[turn % candidates.length];
      const place = nextUntried(candidates, tried, turn);
      return place === undefined ? undefined : candidates[place];
    },
  };
}
