import type { Candidate, Picker } from './picker.js';
import { drawUntried } from './untried.js';

/** Picks the candidate whose place `draw` gives, whatever is going on there. */
export function drawn<C extends Candidate>(candidates: readonly C[], draw: () => number): Picker<C> {
  return {
    pick({ tried }) {
      const place = drawUntried(candidates, tried, draw);
      return place === undefined ? undefined : candidates[place];
    },
  };
}
