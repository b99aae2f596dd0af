import type { Random } from '../clock/index.js';
import type { Picker } from './picker.js';

/** Each in turn, from a random start, so that clients that start together don't all begin with the same instance. */
export function roundRobin(random: Random): Picker {
  let turn = Math.floor(random.next() * 2 ** 16);
  return {
    pick(candidates) {
      turn += 1;
      return candidates[turn % candidates.length];
    },
  };
}
