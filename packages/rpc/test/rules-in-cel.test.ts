import { expect, it } from '@jest/globals';
import { ValidationServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/validation';
import { createClient } from '../src/exports/client.js';
import { implement, unimplemented } from '../src/exports/server.js';
import { createTestChannel, failureOf } from '../src/exports/testing.js';

// In a file of its own: what rules in CEL need is loaded once in a process.
it('rules in CEL are loaded before the first call is checked', async () => {
  const service = implement(ValidationServiceDefinition, {
    check: unimplemented('check.ts'),
    checkMany: unimplemented('check-many.ts'),
    checkCel: () => ({ count: 1 }),
  });
  const client = createClient(ValidationServiceDefinition, { channel: createTestChannel({ services: [service] }) });
  const [valid, invalid] = await Promise.all([
    client.checkCel({ rules: { first: 1, last: 2, name: 'n' } }),
    failureOf(client.checkCel({ rules: { first: 2, last: 1, name: 'n' } })),
  ]);
  expect(valid).toEqual({ count: 1 });
  expect(invalid.message).toBe('rules: first must not be greater than last (cel.order)');
});
