/** What a call allocates, by the accepted figures: a check of the runtime's speed that no other load can disturb. */

import { describe, expect, it } from '@jest/globals';
import { accepted, boundOf, compare, measure, WORKLOADS } from '../bench/allocations/accepted.mjs';

describe.each(WORKLOADS)('a unary call over %s', (workload) => {
  const known = accepted(workload);
  const major = process.versions.node.split('.')[0];
  const test = known === undefined ? it.skip : it;
  test(`allocates no more than accepted${known === undefined ? ` (no figures are accepted for Node ${major})` : ''}`, async () => {
    expect(compare(known, await measure(workload, boundOf(known)))).toBeUndefined();
  });
});

it('names the functions that allocate more', () => {
  const known = { bytes: 1_000, functions: { 'a x/y.js': 500, 'b x/y.js': 500 } };
  const measured = { bytes: 1_100, functions: { 'a x/y.js': 480, 'b x/y.js': 560, 'c x/y.js': 60 } };
  expect(compare(known, measured)).toContain('+60 b x/y.js\n  +60 c x/y.js\n');
  expect(compare(known, { ...measured, bytes: 1_003 })).toBeUndefined();
});
