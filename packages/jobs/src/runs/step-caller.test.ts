import { expect, it } from '@jest/globals';
import { KeyedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/keyed';
import { createTestChannel } from '@rondo/rpc/testing';
import { keyOfStep } from './outcome.js';
import { createStepCaller } from './step-caller.js';

it('a step has its own UUID in the field for the idempotency key, as contracts ask for one', () => {
  const channel = createTestChannel({ services: [] });
  const { encode } = createStepCaller(() => channel);
  const { createEntry } = KeyedServiceDefinition.methods;
  const keys = ['pay', 'ship', 'pay'].map((step) => {
    const sent = encode(createEntry, { text: 'a' }, { key: keyOfStep('run', step), atLeastOnce: false });
    return createEntry.requestType.decode(sent).requestId;
  });
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect([keys[0] === keys[2], keys[0] === keys[1]]).toEqual([true, false]);
  channel.close();
});
