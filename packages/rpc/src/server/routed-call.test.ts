import { expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { conformanceService } from '../../test/support/service.js';
import { streamOf } from '../../test/support/stream.js';
import { wireCall } from '../../test/support/wire-call.js';
import { type Method, methodsOf } from '../contract/method.js';
import { encodeOnce, encodeResponse } from './routed-call.js';
import { createRouter } from './router.js';

/** A method that counts how often its responses are encoded. */
function counting(): { readonly method: Method; encoded(): number } {
  const unary = methodsOf(ConformanceServiceDefinition).get('unary');
  if (unary === undefined) throw new Error('the contract has no such method');
  let encoded = 0;
  const { responseType } = unary;
  const encode: typeof responseType.encode = (message: unknown) => {
    encoded += 1;
    return responseType.encode(message);
  };
  return { method: { ...unary, responseType: { ...responseType, encode } }, encoded: () => encoded };
}

it('encodes a message that many calls are answered with once', () => {
  const { method, encoded } = counting();
  const message = encodeOnce({ text: 'news' });
  const first = encodeResponse(method, message);
  expect(encodeResponse(method, message)).toBe(first);
  expect(encodeResponse(method, encodeOnce(message))).toBe(first);
  expect(encoded()).toBe(1);
});

it('encodes any other message each time, as it may have changed', () => {
  const { method, encoded } = counting();
  const message = { text: 'one' };
  const first = encodeResponse(method, message);
  message.text = 'two';
  expect(encodeResponse(method, message)).not.toEqual(first);
  expect(encoded()).toBe(2);
});

it('lets others have their turn while a handler reads thousands of requests that are there', async () => {
  let read = 0;
  const service = conformanceService({
    async clientStream(requests) {
      for await (const _request of requests) read += 1;
      return {};
    },
  });
  const messages = streamOf(...Array.from({ length: 4_000 }, () => new Uint8Array()));
  const path = '/rondo.conformance.v1.ConformanceService/ClientStream';
  const reply = createRouter({ services: [service] }).handle(wireCall({ path, request: { stream: true, messages } }));
  await new Promise((resolve) => setImmediate(resolve));
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(4_000);
  await reply;
  expect(read).toBe(4_000);
});
