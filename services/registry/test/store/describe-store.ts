import { describe } from '@jest/globals';
import type { MakeStore } from './fixture.js';
import { describeLeases } from './leases.js';
import { describeModel } from './model.js';
import { describeSizes } from './sizes.js';
import { describeWatches } from './watches.js';

/** The contract of a store: every one there is passes it. */
export function describeStore(name: string, makeStore: MakeStore): void {
  describe(name, () => {
    describeLeases(makeStore);
    describeWatches(makeStore);
    describeSizes(makeStore);
    describeModel(makeStore);
  });
}
