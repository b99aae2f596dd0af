import { describe } from '@jest/globals';
import { describeDuplicates } from './duplicates.js';
import type { MakeStore } from './fixture.js';
import { describeGoodbyes } from './goodbyes.js';
import { describeGuard } from './guard.js';
import { describeLeases } from './leases.js';
import { describeModel, type StoreSizes } from './model.js';
import { describeOperators } from './operators.js';
import { describeSizes } from './sizes.js';
import { describeWatches } from './watches.js';

/** The contract of a store: every one there is passes it. */
export function describeStore(name: string, makeStore: MakeStore, sizes?: StoreSizes): void {
  describe(name, () => {
    describeLeases(makeStore, sizes);
    describeDuplicates(makeStore);
    describeGuard(makeStore);
    describeGoodbyes(makeStore);
    describeOperators(makeStore);
    describeWatches(makeStore);
    describeSizes(makeStore);
    describeModel(makeStore, sizes);
  });
}
