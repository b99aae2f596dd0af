import { describe, expect, it } from '@jest/globals';
import { maxCalls } from './max-calls.js';

const CREATE = 'shop.v1.OrderService/CreateOrder';

describe('RONDO_MAX_CALLS', () => {
  it.each([
    ['5000', { server: 5_000, caller: undefined, methods: {} }],
    ['caller=100', { server: undefined, caller: 100, methods: {} }],
    [` 5000, caller=100 ,${CREATE}=50`, { server: 5_000, caller: 100, methods: { [`/${CREATE}`]: 50 } }],
    [`/${CREATE}=50`, { server: undefined, caller: undefined, methods: { [`/${CREATE}`]: 50 } }],
  ])('is %s', (text, value) => {
    expect(maxCalls.parse(text)).toEqual({ ok: true, value });
  });

  it.each([
    ['', 'has "", which is not an integer'],
    ['0', 'has "0", which is less than 1'],
    ['1e9', 'has "1e9", which is not an integer'],
    ['1000001', 'has "1000001", which is more than 1000000'],
    ['=5', 'has "=5", which names no method'],
    ['CreateOrder=5', 'has "CreateOrder=5", which names no method'],
    [`${CREATE}=`, `has "${CREATE}=", which is not an integer`],
    ['5,6', 'has two bounds for the server'],
    [`${CREATE}=1,/${CREATE}=2`, `has two bounds for /${CREATE}`],
  ])('is not "%s"', (text, fault) => {
    expect(maxCalls.parse(text)).toEqual({ ok: false, fault });
  });

  it('is formatted as it is read', () => {
    const text = `5000,caller=100,${CREATE}=50`;
    const parsed = maxCalls.parse(text);
    expect(parsed.ok && maxCalls.format(parsed.value)).toBe(text);
  });
});
