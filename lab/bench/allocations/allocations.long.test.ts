/** What a call allocates, by the accepted figures: a check of the runtime's speed that no other load can disturb. */

import { describe, expect, it } from '@jest/globals';
import { accepted, boundOf, compare, measure, WORKLOADS } from './accepted.mjs';

describe.each(WORKLOADS)('a unary call over %s', (workload) => {
  const known = accepted(workload);
  const major = process.versions.node.split('.')[0];
  const test = known === undefined ? it.skip : it;
  test(`allocates no more than accepted${known === undefined ? ` (no figures are accepted for Node ${major})` : ''}`, async () => {
    expect(compare(known, await measure(workload, boundOf(known)))).toBeUndefined();
  });
});
