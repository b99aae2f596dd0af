import { describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import {
  type CheckCelRequest,
  CheckRequest,
  ValidationServiceDefinition,
} from '@rondo/contracts/rondo/conformance/v1/validation';
import type { ServerCall } from '../call/call.js';
import { createClient } from '../client/create-client.js';
import { createTestChannel, failureOf } from '../exports/testing.js';
import type { Middleware } from '../middleware/middleware.js';
import { Status } from '../status/code.js';
import type { FieldAt } from '../status/invalid-argument.js';
import type { RpcError } from '../status/rpc-error.js';
import { implement, unimplemented } from './handlers.js';
import { reading } from './reading.js';

const ITEM = { name: 'a', quantity: 1n };
const requestId = '01234567-89ab-cdef-0123-456789abcdef';

/** The first item's name in capitals; the quantity must be odd, which the contract doesn't say. */
function read({ item = { name: '', quantity: 1n } }: CheckRequest, field: FieldAt): string {
  if (item.quantity % 2n === 0n) field('item.quantity')('must be odd');
  if (item.name === 'taken') field('item.name')('is taken');
  if (item.name === 'broken') throw new TypeError('the reader stumbled');
  return item.name.toUpperCase();
}

function start({ middleware = [] }: { readonly middleware?: readonly Middleware<ServerCall>[] } = {}) {
  const handled: string[] = [];
  const service = implement(ValidationServiceDefinition, {
    check: reading(read, (name) => {
      handled.push(name);
      return { count: name.length };
    }),
    checkMany: unimplemented('here'),
    checkCel: reading(
      ({ rules }: CheckCelRequest, field) => {
        if (rules?.first === 7) field('rules.first')('must not be 7');
        return rules?.last ?? 0;
      },
      (last) => ({ count: last }),
    ),
  });
  const channel = createTestChannel({ services: [service], middleware });
  return { handled, client: createClient(ValidationServiceDefinition, { channel }) };
}

const violationsOf = (error: RpcError) =>
  error.detail(BadRequest)?.fieldViolations.map(({ field, description }) => `${field}: ${description}`);

describe('a handler with a reader', () => {
  it('gets what its reader makes of the request', async () => {
    const { client, handled } = start();
    expect(await client.check({ requestId, item: ITEM })).toEqual({ count: 1 });
    expect(handled).toEqual(['A']);
  });

  it('is not called if the contract or the reader reports a violation; the caller gets both', async () => {
    const { client, handled } = start();
    const both = await failureOf(client.check({ requestId: 'x', item: { name: 'a', quantity: 2n } }));
    expect(both.code).toBe(Status.INVALID_ARGUMENT);
    expect(violationsOf(both)).toEqual([
      'request_id: must be a valid UUID (string.uuid)',
      'item.quantity: must be odd',
    ]);
    expect(violationsOf(await failureOf(client.check({ requestId, item: { name: 'taken', quantity: 1n } })))).toEqual([
      'item.name: is taken',
    ]);
    expect(handled).toEqual([]);
  });

  it('reports a field once: what the contract says of it is enough', async () => {
    const { client } = start();
    const error = await failureOf(client.check({ requestId, item: { name: 'taken', quantity: 102n } }));
    expect(violationsOf(error)).toEqual([
      expect.stringMatching(/^item.quantity: must be greater than or equal to 1 and/),
      'item.name: is taken',
    ]);
  });

  it('hides a reader that stumbles over what the contract has reported, and only that', async () => {
    const { client } = start();
    const invalid = await failureOf(client.check({ requestId: 'x', item: { name: 'broken', quantity: 1n } }));
    expect(violationsOf(invalid)).toEqual(['request_id: must be a valid UUID (string.uuid)']);
    const fault = await failureOf(client.check({ requestId, item: { name: 'broken', quantity: 1n } }));
    expect(fault.code).toBe(Status.INTERNAL);
  });

  it('reads what another handler passes to it, and reports what is wrong with that', async () => {
    const check = reading(read, (name) => ({ count: name.length }));
    const service = implement(ValidationServiceDefinition, {
      check: (request, call) => check({ ...request, item: { ...ITEM, name: `${request.item?.name}s` } }, call),
      checkMany: unimplemented('here'),
      checkCel: reading(
        () => ({ requestId, item: { ...ITEM, name: 'taken' }, tags: [] }),
        (request, call) => check(CheckRequest.fromPartial(request), call),
      ),
    });
    const client = createClient(ValidationServiceDefinition, { channel: createTestChannel({ services: [service] }) });
    expect(await client.check({ requestId, item: { ...ITEM, name: 'two' } })).toEqual({ count: 4 });
    expect(violationsOf(await failureOf(client.checkCel({ rules: { first: 1, last: 2, name: 'n' } })))).toEqual([
      'item.name: is taken',
    ]);
  });

  it('gets a request whose violations are in fields that it checks itself, and in no others', async () => {
    const check = reading(
      read,
      (name) => ({ count: name.length }),
      () =>
        ({ field }) =>
          field === 'request_id' || /^items(?!\[60\])/.test(field),
    );
    const left = { checkMany: unimplemented('here'), checkCel: unimplemented('here') };
    const service = implement(ValidationServiceDefinition, { check, ...left });
    const client = createClient(ValidationServiceDefinition, { channel: createTestChannel({ services: [service] }) });
    expect(await client.check({ requestId: 'x', item: ITEM })).toEqual({ count: 1 });
    const error = await failureOf(client.check({ requestId: 'x', item: { ...ITEM, quantity: 102n } }));
    expect(violationsOf(error)).toEqual([expect.stringMatching(/^item.quantity: must be/)]);
    // A hundred are looked for: that of items[60] isn't among them.
    const items = Array.from({ length: 61 }, () => ({ name: '', quantity: 0n }));
    expect(violationsOf(await failureOf(client.check({ requestId, item: ITEM, items })))).toContain(
      'items: must contain no more than 3 items (repeated.max_items)',
    );
  });

  it('reads a request that middleware has replaced', async () => {
    const replace =
      (name: string): Middleware<ServerCall> =>
      (call, next) => {
        const message = CheckRequest.fromPartial({ requestId, item: { ...ITEM, name } });
        return next({ ...call, request: { stream: false, message } });
      };
    const { client, handled } = start({ middleware: [replace('other')] });
    await client.check({ requestId, item: ITEM });
    expect(handled).toEqual(['OTHER']);
    const { client: refused } = start({ middleware: [replace('taken')] });
    expect(violationsOf(await failureOf(refused.check({ requestId, item: ITEM })))).toEqual(['item.name: is taken']);
  });
});
