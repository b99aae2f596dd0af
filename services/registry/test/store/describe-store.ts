import { describe } from '@jest/globals';
import { describeDuplicates } from './duplicates.js';
import type { MakeStore } from './fixture.js';
import { describeGuard } from './guard.js';
import { describeLeases } from './leases.js';
import { describeModel, type StoreSizes } from './model.js';
import { describeOperators } from './operators.js';
import { describeServiceTimes } from './service-times.js';
import { describeSizes } from './sizes.js';
import { describeTombstones } from './tombstones.js';
import { describeWatches } from './watches.js';

/** The contract test suite of a store. Every store must pass it. */
export function describeStore(name: string, makeStore: MakeStore, sizes?: StoreSizes): void {
  describe(name, () => {
    describeLeases(makeStore, sizes);
    describeDuplicates(makeStore);
    describeServiceTimes(makeStore);
    describeGuard(makeStore);
    describeTombstones(makeStore);
    describeOperators(makeStore);
    describeWatches(makeStore);
    describeSizes(makeStore, sizes);
    describeModel(makeStore, sizes);
  });
}
