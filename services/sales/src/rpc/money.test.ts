import { describe, expect, it } from '@jest/globals';
import { RpcError, validate } from '@rondo/rpc/status';
import { readPrice, toMoneyMessage } from './money.js';

const price = (currencyCode: string, units: bigint, nanos = 0) => ({ currencyCode, units, nanos });
const read = (message: Parameters<typeof readPrice>[2]) =>
  validate((field) => readPrice(field, 'product.unit_price', message));

describe('google.type.Money', () => {
  it.each([
    [price('EUR', 19n, 990_000_000), 1999n],
    [price('EUR', 0n, 10_000_000), 1n],
    [price('JPY', 500n), 500n],
    [price('KWD', 1n, 1_000_000), 1001n],
    [price('USD', 9_007_199_254_740_993n, 10_000_000), 900_719_925_474_099_301n],
    [price('USD', 9_223_372_036_854_775_807n, 990_000_000), 922_337_203_685_477_580_799n],
  ])('is read and written exactly: %p', (message, minorUnits) => {
    expect(read(message)).toEqual({ currency: message.currencyCode, minorUnits });
    expect(toMoneyMessage(read(message))).toEqual(message);
  });

  it('has the sign in both units and nanos', () => {
    expect(toMoneyMessage({ currency: 'EUR', minorUnits: -175n })).toEqual(price('EUR', -1n, -750_000_000));
  });

  it.each([
    [undefined, 'product.unit_price: is required: an amount in a currency, such as 19.99 EUR'],
    [
      price('', 1n),
      'product.unit_price.currency_code: must be a currency of ISO 4217 in capitals, such as EUR; it is ""',
    ],
    [price('eur', 1n), 'product.unit_price.currency_code: must be a currency'],
    [price('EUR', -1n), 'product.unit_price: must not be negative; it is -1 units and 0 nanos'],
    [price('EUR', 0n, -10_000_000), 'product.unit_price: must not be negative'],
    [
      price('EUR', 1n, -10_000_000),
      'product.unit_price: units and nanos must have the same sign; they are 1 and -10000000',
    ],
    [price('EUR', -1n, 10_000_000), 'units and nanos must have the same sign'],
    [price('EUR', 1n, 1_000_000_000), 'product.unit_price.nanos: must be at most 999999999'],
    [
      price('EUR', 1n, 1_000_000),
      'product.unit_price.nanos: must be whole minor units: EUR has 2 digits after the point',
    ],
    [price('JPY', 1n, 500_000_000), 'JPY has 0 digits'],
    [
      price('xx', -1n),
      'currency_code: must be a currency of ISO 4217 in capitals, such as EUR; it is "xx"; product.unit_price: must not be',
    ],
  ])('reports what is wrong with %p', (message, fault) => {
    expect(() => read(message)).toThrow(RpcError);
    expect(() => read(message)).toThrow(fault);
  });
});
