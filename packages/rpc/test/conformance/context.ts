import { describe, expect, it } from '@jest/globals';
import { createContextKey, type ServerCall } from '../../src/exports/call.js';
import type { Middleware } from '../../src/exports/middleware.js';
import { collect, streamOf } from '../support/stream.js';
import type { Harness } from './environment.js';

const caller = createContextKey('nobody', { description: 'caller' });
const counted = createContextKey(0);

/** Middleware that sets a value of its call, and passes on a copy of the call. */
const authenticate: Middleware<ServerCall> = (call, next) => {
  const name = call.metadata.get('caller');
  if (name !== undefined) call.values.set(caller, name);
  return next({ ...call });
};

/** Middleware that reads the value set before it, and changes it. */
const count: Middleware<ServerCall> = (call, next) => {
  call.values.set(counted, call.values.get(caller).length);
  return next({ ...call });
};

const valuesIn = ({ values }: ServerCall) => `${values.get(caller)} ${values.get(counted)}`;

export function describeContext({ start }: Harness): void {
  const handlers = {
    unary: (_request: unknown, call: ServerCall) => ({ text: valuesIn(call) }),
    async *bidiStream(requests: AsyncIterable<unknown>, call: ServerCall) {
      for await (const _request of requests) yield { text: valuesIn(call) };
    },
  };

  describe("a call's context", () => {
    it('carries values from middleware to the middleware after it and to the handler', async () => {
      const client = await start({ handlers, middleware: [authenticate, count] });
      expect(await client.unary({}, { metadata: { caller: 'ada' } })).toMatchObject({ text: 'ada 3' });
      const replies = collect(client.bidiStream(streamOf({}, {}), { metadata: { caller: 'grace' } }));
      expect(await replies).toEqual([{ text: 'grace 5' }, { text: 'grace 5' }]);
    });

    it('is separate for each call', async () => {
      const client = await start({ handlers, middleware: [authenticate] });
      const named = client.unary({}, { metadata: { caller: 'ada' } });
      const replies = await Promise.all([named, client.unary({}), client.unary({}, { metadata: { caller: 'grace' } })]);
      expect(replies.map(({ text }) => text)).toEqual(['ada 0', 'nobody 0', 'grace 0']);
    });

    it('is not inherited by a call that the handler makes', async () => {
      const inner = await start({ handlers });
      const relay = (_request: unknown, call: ServerCall) => {
        call.values.set(caller, 'ada');
        return inner.unary({});
      };
      const outer = await start({ handlers: { unary: relay } });
      expect(await outer.unary({})).toMatchObject({ text: 'nobody 0' });
    });
  });
}
