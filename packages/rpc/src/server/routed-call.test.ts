import { expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Method, methodsOf } from '../contract/method.js';
import { encodeOnce, encodeResponse } from './routed-call.js';

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
