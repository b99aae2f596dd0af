import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/rpc/testing';
import { add, evaluate, multiply, type Rational, rational, round, subtract, toPlain } from '../../test/rational.js';
import { digitsOf, type Money, toDecimal } from './money.js';
import type { OfferLine } from './offer.js';
import { formatPercent, type Percent } from './percent.js';
import { type Calculator, MAX_EXPRESSION_CHARACTERS, priceLines } from './pricing.js';

const { next } = seededRandom(20_261_120);
const below = (limit: number) => Math.floor(next() * limit);
const oneOf = <T>(...values: readonly [T, ...T[]]): T => values[below(values.length)] ?? values[0];

/** A calculator that computes exactly, enforces the length limit of the contract and records its expressions. */
function exactCalculator(): Calculator & { readonly expressions: string[] } {
  const expressions: string[] = [];
  return {
    expressions,
    async evaluate(expression, scale) {
      if (expression.length > MAX_EXPRESSION_CHARACTERS) throw new RangeError(`${expression.length} characters`);
      expressions.push(expression);
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

/** The exact price, computed with fractions. It shares no code with the code under test. */
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
  it('equals the price computed with fractions, for random quotes', async () => {
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

  it('is rounded once: the total is not computed from the rounded net', async () => {
    const lines = [line(1n, { currency: 'EUR', minorUnits: 1n }, percent(500_000))];
    const price = await priceLines(exactCalculator(), { lines, discount: percent(0), taxRate: percent(1_000_000) });
    // The exact values are 0.005 and 0.01. Computed from the net, rounded to 0.00, the total would be 0.00.
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

  it('takes two expressions for a usual quote, both readable in a log', async () => {
    const calculator = exactCalculator();
    const lines = [line(3n, { currency: 'EUR', minorUnits: 1999n }, percent(150_000))];
    await priceLines(calculator, { lines, discount: percent(0), taxRate: percent(200_000) });
    expect(calculator.expressions).toEqual(['(3*19.99*(100-15))*100/10000', '(3*19.99*(100-15))*100*(100+20)/1000000']);
  });

  it('takes one expression without tax', async () => {
    const calculator = exactCalculator();
    const lines = [line(3n, { currency: 'EUR', minorUnits: 1999n }, percent(0))];
    const { net, total } = await priceLines(calculator, { lines, discount: percent(0), taxRate: percent(0) });
    expect(calculator.expressions).toEqual(['(3*19.99*100)*100/10000']);
    expect(total).toEqual(net);
  });

  it('is exact for the longest possible quote, within the length limit of expressions', async () => {
    const calculator = exactCalculator();
    const [discount, taxRate] = [percent(999_999), percent(999_999)];
    const dearest = { currency: 'KWD', minorUnits: 9_223_372_036_854_775_807_999n };
    const lines = Array.from({ length: 100 }, () => line(1_000_000n, dearest, percent(999_999)));
    const exact = expected(lines, discount, taxRate);
    const { net, total } = await priceLines(calculator, { lines, discount, taxRate });
    expect(net.minorUnits).toBe(round(exact.net, 3));
    expect(total.minorUnits).toBe(round(exact.total, 3));
    expect(calculator.expressions.length).toBeGreaterThan(2);
    expect(formatPercent(discount)).toBe('99.9999');
  });

  it('is exact for quotes around the length limit of one expression', async () => {
    const taxRate = percent(999_999);
    const dear = { currency: 'EUR', minorUnits: 2n ** 62n };
    for (let count = 80; count <= 100; count += 1) {
      const lines = Array.from({ length: count }, () => line(999_999n, dear, percent(999_999)));
      const { total } = await priceLines(exactCalculator(), { lines, discount: taxRate, taxRate });
      expect(total.minorUnits).toBe(round(expected(lines, taxRate, taxRate).total, 2));
    }
  });

  it('is refused if it does not fit into an amount', async () => {
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
