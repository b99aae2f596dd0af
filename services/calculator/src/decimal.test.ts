import { describe, expect, it } from '@jest/globals';
import { type Rational, type Rounding, toDecimal } from './decimal.js';

function rational(numerator: bigint, d: bigint): Rational {
  return { s: numerator < 0n ? -1n : 1n, n: numerator < 0n ? -numerator : numerator, d };
}

describe('toDecimal with a scale', () => {
  const values = ['-2.5', '-1.6', '-1.5', '-1.1', '1.1', '1.5', '1.6', '2.5'];
  const rounded: Record<Rounding, string> = {
    'half-even': '-2 -2 -2 -1 1 2 2 2',
    'half-up': '-3 -2 -2 -1 1 2 2 3',
    down: '-2 -1 -1 -1 1 1 1 2',
    up: '-3 -2 -2 -2 2 2 2 3',
    floor: '-3 -2 -2 -2 1 1 1 2',
    ceiling: '-2 -1 -1 -1 2 2 2 3',
  };
  const modes: Rounding[] = ['half-even', 'half-up', 'down', 'up', 'floor', 'ceiling'];

  it.each(modes)('rounds %s', (rounding) => {
    const results = values.map((text) => toDecimal(tenths(text), { scale: 0, rounding }));
    expect(results.join(' ')).toBe(rounded[rounding]);
  });

  it.each(modes)('does not change values that need no rounding: %s', (rounding) => {
    expect(toDecimal(rational(-5n, 2n), { scale: 1, rounding })).toBe('-2.5');
  });

  it('writes as many digits as requested', () => {
    expect(toDecimal(rational(3n, 1n), { scale: 2, rounding: 'half-even' })).toBe('3.00');
    expect(toDecimal(rational(1n, 1000n), { scale: 5, rounding: 'half-even' })).toBe('0.00100');
    expect(toDecimal(rational(2n, 3n), { scale: 30, rounding: 'half-even' })).toBe(`0.${'6'.repeat(29)}7`);
  });

  it('carries into a new digit', () => {
    expect(toDecimal(rational(9_999n, 1000n), { scale: 2, rounding: 'half-up' })).toBe('10.00');
  });

  it('gives zero no sign', () => {
    expect(toDecimal(rational(-1n, 1000n), { scale: 2, rounding: 'half-even' })).toBe('0.00');
    expect(toDecimal({ s: -1n, n: 0n, d: 1n }, { rounding: 'half-even' })).toBe('0');
  });

  function tenths(text: string): Rational {
    const numerator = BigInt(text.replace('.', ''));
    return numerator % 5n === 0n ? rational(numerator / 5n, 2n) : rational(numerator, 10n);
  }
});

describe('toDecimal without a scale', () => {
  it.each([
    [rational(-42n, 1n), '-42'],
    [rational(1n, 8n), '0.125'],
    [rational(-1n, 80n), '-0.0125'],
    [rational(1n, 5n ** 40n), `0.${(2n ** 40n).toString().padStart(40, '0')}`],
  ])('writes every digit of %o', (value, text) => {
    expect(toDecimal(value, { rounding: 'half-even' })).toBe(text);
  });

  it('rounds endless decimals to 30 digits, by the requested mode', () => {
    expect(toDecimal(rational(1n, 3n), { rounding: 'half-even' })).toBe(`0.${'3'.repeat(30)}`);
    expect(toDecimal(rational(1n, 3n), { rounding: 'up' })).toBe(`0.${'3'.repeat(29)}4`);
    expect(toDecimal(rational(-1n, 60n), { rounding: 'floor' })).toBe(`-0.01${'6'.repeat(27)}7`);
  });
});
