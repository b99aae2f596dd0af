import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/rpc/testing';
import { evaluate, add, multiply, type Rational, rational, round, subtract, toPlain } from '../../test/rational.js';
import { priceLines } from './offer.js';
import { digitsOf, type Money, toDecimal } from '../domain/money.js';
import type { OfferLine } from '../domain/offer.js';
import { formatPercent, type Percent } from '../domain/percent.js';
import type { Calculator } from '../domain/ports.js';
import { MAX_EXPRESSION_CHARACTERS } from '../domain/pricing.js';

const { next } = seededRandom(20_261_120);
const below = (limit: number) => Math.floor(next() * limit);
const oneOf = <T>(...values: readonly [T, ...T[]]): T => values[below(values.length)] ?? values[0];

/** Exact, and as strict about the length as its contract; keeps what it was asked. */
function exactCalculator(): Calculator & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async evaluate(expression, scale) {
      if (expression.length > MAX_EXPRESSION_CHARACTERS) throw new RangeError(`${expression.length} characters`);
      asked.push(expression);
      return toPlain(evaluate(expression), scale);
    },
  };
}

function percent(tenThousandths: number): Percent {
  return { tenThousandths: BigInt(tenThousandths) };
}

function line(quantity: bigint, unitPrice: Money, discount: Percent): OfferLine {
  return { productId: 'p', quantity, discount, title: 'Desk', unitPrice, deliveryEffortMinutes: 0n };
}

/** The price by the book, in fractions: nothing of it is shared with the code under test but the input. */
function expected(lines: readonly OfferLine[], discount: Percent, taxRate: Percent) {
  const hundred = rational(100n);
  const share = (value: Rational) => multiply(value, rational('0.01'));
  const fraction = (of: Percent): Rational => ({ numerator: of.tenThousandths, denominator: 10_000n });
  const less = (of: Percent) => share(subtract(hundred, fraction(of)));
  const subtotal = lines
    .map((one) => multiply(multiply(rational(one.quantity), rational(toDecimal(one.unitPrice))), less(one.discount)))
    .reduce(add, rational(0n));
  const net = multiply(subtotal, less(discount));
  return { net, total: multiply(net, share(add(hundred, fraction(taxRate)))) };
}

describe('the price of a quote', () => {
  it('is what fractions say, for any quote', async () => {
    for (let run = 0; run < 300; run += 1) {
      const currency = oneOf('EUR', 'JPY', 'KWD');
      const anyPercent = () => percent(oneOf(0, 1_000_000, 125_000, below(1_000_001)));
      const lines = Array.from({ length: 1 + below(8) }, () => {
        const minorUnits = BigInt(below(oneOf(10, 100_000, 2 ** 40)));
        return line(BigInt(1 + below(oneOf(3, 1_000_000))), { currency, minorUnits }, anyPercent());
      });
      const [discount, taxRate] = [anyPercent(), anyPercent()];
      const exact = expected(lines, discount, taxRate);
      const { net, total } = await priceLines(exactCalculator(), { lines, discount, taxRate });
      expect(net.minorUnits).toBe(round(exact.net, digitsOf(currency)));
      expect(total.minorUnits).toBe(round(exact.total, digitsOf(currency)));
    }
  });

  it('is rounded once: the total is not that of a rounded net', async () => {
    const lines = [line(1n, { currency: 'EUR', minorUnits: 1n }, percent(500_000))];
    const price = await priceLines(exactCalculator(), { lines, discount: percent(0), taxRate: percent(1_000_000) });
    // Exactly 0.005 and 0.01: from the net rounded to 0.00 the total would be 0.00.
    expect(price).toEqual({ net: { currency: 'EUR', minorUnits: 0n }, total: { currency: 'EUR', minorUnits: 1n } });
  });

  it('rounds half to even', async () => {
    const half = percent(500_000);
    const cents = async (minorUnits: bigint) => {
      const lines = [line(1n, { currency: 'EUR', minorUnits }, half)];
      return (await priceLines(exactCalculator(), { lines, discount: percent(0), taxRate: percent(0) })).total
        .minorUnits;
    };
    expect([await cents(1n), await cents(3n), await cents(5n)]).toEqual([0n, 2n, 2n]);
  });

  it('is one expression a value for a usual quote, readable in a log', async () => {
    const calculator = exactCalculator();
    const lines = [line(3n, { currency: 'EUR', minorUnits: 1999n }, percent(150_000))];
    await priceLines(calculator, { lines, discount: percent(0), taxRate: percent(200_000) });
    expect(calculator.asked).toEqual(['(3*19.99*(100-15))*100/10000', '(3*19.99*(100-15))*100*(100+20)/1000000']);
  });

  it('is one expression in all where there is no tax', async () => {
    const calculator = exactCalculator();
    const lines = [line(3n, { currency: 'EUR', minorUnits: 1999n }, percent(0))];
    const { net, total } = await priceLines(calculator, { lines, discount: percent(0), taxRate: percent(0) });
    expect(calculator.asked).toEqual(['(3*19.99*100)*100/10000']);
    expect(total).toEqual(net);
  });

  it('is exact within the calculator’s limit for the longest quote there can be', async () => {
    const calculator = exactCalculator();
    const [discount, taxRate] = [percent(999_999), percent(999_999)];
    const dearest = { currency: 'KWD', minorUnits: 9_223_372_036_854_775_807_999n };
    const lines = Array.from({ length: 100 }, () => line(1_000_000n, dearest, percent(999_999)));
    const exact = expected(lines, discount, taxRate);
    const { net, total } = await priceLines(calculator, { lines, discount, taxRate });
    expect(net.minorUnits).toBe(round(exact.net, 3));
    expect(total.minorUnits).toBe(round(exact.total, 3));
    expect(calculator.asked.length).toBeGreaterThan(2);
    expect(formatPercent(discount)).toBe('99.9999');
  });

  it('is exact where the quote is about as long as one expression can be', async () => {
    const taxRate = percent(999_999);
    const dear = { currency: 'EUR', minorUnits: 2n ** 62n };
    for (let count = 80; count <= 100; count += 1) {
      const lines = Array.from({ length: count }, () => line(999_999n, dear, percent(999_999)));
      const { total } = await priceLines(exactCalculator(), { lines, discount: taxRate, taxRate });
      expect(total.minorUnits).toBe(round(expected(lines, taxRate, taxRate).total, 2));
    }
  });

  it('is refused where no amount can hold it', async () => {
    const dearest = { currency: 'JPY', minorUnits: 2n ** 63n - 1n };
    const price = (quantity: bigint) =>
      priceLines(exactCalculator(), {
        lines: [line(quantity, dearest, percent(0))],
        discount: percent(0),
        taxRate: percent(0),
      });
    await expect(price(1n)).resolves.toMatchObject({ total: dearest });
    await expect(price(2n)).rejects.toThrow('the total would be 18446744073709551614 JPY');
  });
});
