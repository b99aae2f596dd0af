import { describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { AddResponse } from '@rondo/contracts/rondo/conformance/v1/adder';
import { CelRules, CheckedItem } from '@rondo/contracts/rondo/conformance/v1/validation';
import type { Transaction } from '@rondo/database';
import { failureOf } from '@rondo/rpc/testing';
import { type NamedMessageType, operation, pack, unpack } from './operation.js';

/** Runs an operation on a request that its work only counts. */
function run<T>(request: NamedMessageType<T>, message: object) {
  const context = { transaction: { coordinator: 'shop', id: '1' }, signal: new AbortController().signal };
  let count = 0n;
  const { run: runOn } = operation({ request, result: AddResponse }, async () => {
    count += 1n;
    return { result: count };
  });
  return { result: runOn({} as Transaction, pack(request, message), context), count: () => count };
}

describe('the request of an operation', () => {
  it('is checked by the rules of its contract before the work', async () => {
    const valid = run(CheckedItem, { name: 'a', quantity: 1n });
    expect(unpack(AddResponse, await valid.result, 'result')).toEqual({ result: 1n });
    const { result, count } = run(CheckedItem, { name: '', quantity: 101n });
    const error = await failureOf(result);
    expect(error.detail(BadRequest)?.fieldViolations.map(({ field }) => field)).toEqual(['name', 'quantity']);
    expect(count()).toBe(0n);
  });

  it('is checked by rules in CEL too', async () => {
    const { result, count } = run(CelRules, { first: 2, last: 1, name: 'n' });
    expect((await failureOf(result)).message).toBe('first must not be greater than last (cel.order)');
    expect(count()).toBe(0n);
  });
});
