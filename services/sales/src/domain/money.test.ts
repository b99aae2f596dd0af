import { describe, expect, it } from '@jest/globals';
import { currencyDigits, fromDecimal, isRepresentable, subtract, toDecimal } from './money.js';

describe('money', () => {
  it.each([
    ['EUR', 1999n, '19.99'],
    ['EUR', 0n, '0.00'],
    ['EUR', 7n, '0.07'],
    ['EUR', -105n, '-1.05'],
    ['JPY', 500n, '500'],
    ['KWD', 1n, '0.001'],
    ['USD', 922337203685477580799n, '9223372036854775807.99'],
  ])('%s: %s minor units are written as %s, and read back', (currency, minorUnits, text) => {
    expect(toDecimal({ currency, minorUnits })).toBe(text);
    expect(fromDecimal(currency, text)).toEqual({ currency, minorUnits });
  });

  it('reads fewer digits than the currency has, and trailing zeros', () => {
    expect(fromDecimal('EUR', '3').minorUnits).toBe(300n);
    expect(fromDecimal('EUR', '3.5').minorUnits).toBe(350n);
    expect(fromDecimal('JPY', '3.000').minorUnits).toBe(3n);
  });

  it.each(['', '.5', '1e3', '0.001', 'NaN', '1,5'])('refuses "%s" as an amount in euros', (text) => {
    expect(() => fromDecimal('EUR', text)).toThrow(`"${text}" isn't an amount in EUR`);
  });

  it('refuses to subtract different currencies', () => {
    const euros = { currency: 'EUR', minorUnits: 5n };
    expect(subtract(euros, { currency: 'EUR', minorUnits: 7n })).toEqual({ currency: 'EUR', minorUnits: -2n });
    expect(() => subtract(euros, { currency: 'USD', minorUnits: 1n })).toThrow("can't subtract USD from EUR");
  });

  it('knows the range of google.type.Money', () => {
    expect(isRepresentable(fromDecimal('EUR', '9223372036854775807.99'))).toBe(true);
    expect(isRepresentable(fromDecimal('EUR', '9223372036854775808'))).toBe(false);
    expect(isRepresentable(fromDecimal('JPY', '9223372036854775808'))).toBe(false);
  });
});

describe('currencyDigits', () => {
  it.each([
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['IQD', 3],
    ['ISK', 0],
  ])('returns the digits of the minor unit of %s', (code, digits) => expect(currencyDigits(code)).toBe(digits));

  it.each(['', 'eur', 'EURO', 'XXX', 'XAU', 'ZZZ'])('does not know the currency "%s"', (code) => {
    expect(currencyDigits(code)).toBeUndefined();
  });
});
