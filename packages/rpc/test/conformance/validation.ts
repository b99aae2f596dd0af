import { describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { CheckRequest, ValidationServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/validation';
import { raw } from '../../src/exports/call.js';
import { createClient } from '../../src/exports/client.js';
import { type Handlers, implement } from '../../src/exports/server.js';
import { type RpcError, Status } from '../../src/exports/status.js';
import { failureOf } from '../../src/exports/testing.js';
import { streamOf } from '../support/stream.js';
import type { Harness } from './environment.js';

const REQUEST = { requestId: '01234567-89ab-cdef-0123-456789abcdef', item: { name: 'a', quantity: 1n } };

/** Answers, and notes what came. */
function service(seen: unknown[]) {
  const handlers: Handlers<typeof ValidationServiceDefinition> = {
    check(request) {
      seen.push(request);
      return { count: 1 };
    },
    async checkMany(requests) {
      for await (const request of requests) seen.push(request);
      return { count: seen.length };
    },
    checkCel(request) {
      seen.push(request);
      return { count: 1 };
    },
  };
  return implement(ValidationServiceDefinition, handlers);
}

const fieldsOf = (error: RpcError) => error.detail(BadRequest)?.fieldViolations.map(({ field }) => field);

/** The rules of a contract, which the server checks before the handler. */
export function describeValidation({ open }: Harness): void {
  async function start() {
    const seen: unknown[] = [];
    const channel = await open({ services: [service(seen)] });
    return { seen, channel, client: createClient(ValidationServiceDefinition, { channel }) };
  }

  describe('the rules of the contract', () => {
    it('let a valid request through', async () => {
      const { client, seen } = await start();
      expect(await client.check(REQUEST)).toEqual({ count: 1 });
      expect(seen).toMatchObject([REQUEST]);
    });

    it('refuse a request with all that is wrong in it, each by field, rule and remedy', async () => {
      const { client, seen } = await start();
      const error = await failureOf(client.check({ requestId: 'x', items: [{ name: '', quantity: 0n }] }));
      expect(error.code).toBe(Status.INVALID_ARGUMENT);
      expect(error.detail(BadRequest)?.fieldViolations).toMatchObject([
        { field: 'request_id', description: 'must be a valid UUID (string.uuid)' },
        { field: 'item', description: 'is required (required)' },
        { field: 'items[0].name', description: 'must be at least 1 character (string.min_len)' },
        { field: 'items[0].quantity', description: expect.stringMatching(/^must be greater than or equal to 1 and/) },
      ]);
      expect(error.message).toContain('request_id: must be a valid UUID (string.uuid); item: is required (required)');
      expect(seen).toEqual([]);
    });

    it('refuse the first message of a stream that breaks them, after those before', async () => {
      const { client, seen } = await start();
      const valid = { item: REQUEST.item };
      expect(await client.checkMany(streamOf(valid, valid))).toEqual({ count: 2 });
      const error = await failureOf(client.checkMany(streamOf<Partial<typeof valid>>(valid, {})));
      expect(error.code).toBe(Status.INVALID_ARGUMENT);
      expect(fieldsOf(error)).toEqual(['item']);
      expect(seen).toHaveLength(3);
    });

    it('refuse NUL in each text, and in the keys and values of a map', async () => {
      const { client, seen } = await start();
      const item = { name: 'a\0', quantity: 1n };
      const labels = { a: 'b', '\0': 'c', d: '\0' };
      const error = await failureOf(client.check({ ...REQUEST, items: [REQUEST.item, item], labels }));
      expect(error.code).toBe(Status.INVALID_ARGUMENT);
      expect(error.detail(BadRequest)?.fieldViolations).toMatchObject([
        { field: 'items[1].name', description: expect.stringMatching(/^must be valid UTF-8 without NUL/) },
        { field: 'labels[1].key' },
        { field: 'labels[2].value' },
      ]);
      expect(seen).toEqual([]);
    });

    it('refuse text that is not UTF-8, and only that', async () => {
      const { channel, seen } = await start();
      const { check } = ValidationServiceDefinition.methods;
      const client = createClient({ ...ValidationServiceDefinition, methods: { check: raw(check) } }, { channel });
      const named = (name: string) => {
        const request = CheckRequest.fromPartial({ ...REQUEST, item: { name, quantity: 1n } });
        return Buffer.from(CheckRequest.encode(request).finish());
      };
      const bytes = named('a~');
      bytes[bytes.indexOf('~')] = 0xff;
      const error = await failureOf(client.check(bytes));
      expect(error.code).toBe(Status.INVALID_ARGUMENT);
      expect(fieldsOf(error)).toEqual(['item.name']);
      // What a decoder puts in the place of bytes that aren't UTF-8 is a character too.
      await client.check(named('\uFFFD'));
      expect(seen).toMatchObject([{ item: { name: '\uFFFD' } }]);
    });
  });
}
