/** How long the replies are that a service takes of those it calls. */
import { afterEach, expect, it } from '@jest/globals';
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { createClient } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { type CalculatorOptions, createCalculators } from './calculators.js';

const calculators = createCalculators();

afterEach(() => calculators.stop());

it.each<[string, CalculatorOptions]>([
  ['its own limit', { maxReplyBytes: 3 }],
  ['RONDO_MAX_REPLY_BYTES, whatever its own', { maxReplyBytes: 100, environment: { RONDO_MAX_REPLY_BYTES: '3' } }],
])('a service takes no reply of another that is longer than %s', async (_which, { environment, ...setting }) => {
  const callee = await calculators.start();
  const folder = await calculators.known(callee.service.address);
  const { channel } = await calculators.start({
    ...setting,
    environment: { RONDO_REGISTRY_CACHE: folder, ...environment },
  });
  const { add } = createClient(CalculatorDefinition, { channel });
  await expect(add({ a: 2n })).resolves.toEqual({ result: 2n });
  await expect(add({ a: 2n ** 40n })).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
});

it('a service does not start where RONDO_MAX_REPLY_BYTES is no length', async () => {
  await expect(calculators.start({ environment: { RONDO_MAX_REPLY_BYTES: '16MiB' } })).rejects.toThrow(
    'RONDO_MAX_REPLY_BYTES=16MiB is not an integer: give an integer from 1 to 2147483647',
  );
});
