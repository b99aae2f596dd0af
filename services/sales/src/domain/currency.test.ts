import { describe, expect, it } from '@jest/globals';
import { currencyDigits } from './currency.js';

describe('currencyDigits', () => {
  it.each([
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['IQD', 3],
    ['ISK', 0],
  ])('knows the minor unit of %s', (code, digits) => expect(currencyDigits(code)).toBe(digits));

  it.each(['', 'eur', 'EURO', 'XXX', 'XAU', 'ZZZ'])('knows no currency "%s"', (code) => {
    expect(currencyDigits(code)).toBeUndefined();
  });
});
