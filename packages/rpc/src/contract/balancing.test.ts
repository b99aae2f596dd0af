import { expect, it } from '@jest/globals';
import { checkBalancing, DEFAULT_BALANCING, POLICIES } from './balancing.js';

it.each(POLICIES)('%s goes with a subset, unless a key is to have one instance', (policy) => {
  const fault = checkBalancing({ ...DEFAULT_BALANCING, policy, subsetSize: 20 });
  if (policy === 'ring_hash')
    expect(fault).toBe(
      'ring_hash takes no subset, as all clients have to call the same instances: leave the subset of 20 out, or choose another policy',
    );
  else expect(fault).toBeUndefined();
  expect(checkBalancing({ ...DEFAULT_BALANCING, policy })).toBeUndefined();
});
