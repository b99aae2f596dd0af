import { describe, expect, it } from '@jest/globals';
import { maxCalls } from './parsers.js';

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
    ['', '"" is no number from 1 to 1000000'],
    ['0', '"0" is no number from 1 to 1000000'],
    ['1e9', '"1e9" is no number from 1 to 1000000'],
    ['1000001', '"1000001" is no number from 1 to 1000000'],
    ['=5', '"=5" is no number from 1 to 1000000'],
    ['CreateOrder=5', '"CreateOrder=5" names no method'],
    [`${CREATE}=`, `"${CREATE}=" is no number from 1 to 1000000`],
    ['5,6', 'there are two bounds for the server'],
    [`${CREATE}=1,/${CREATE}=2`, `there are two bounds for /${CREATE}`],
    ['0,CreateOrder=5', '"0" is no number from 1 to 1000000; "CreateOrder=5" names no method'],
  ])('is not "%s"', (text, fault) => {
    expect(maxCalls.parse(text)).toEqual({ ok: false, fault });
  });

  it('is formatted as it is read', () => {
    const text = `5000,caller=100,${CREATE}=50`;
    const parsed = maxCalls.parse(text);
    expect(parsed.ok && maxCalls.format(parsed.value)).toBe(text);
  });
});
