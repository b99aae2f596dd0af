import { describe, expect, it } from '@jest/globals';
import { evaluate } from './evaluate.js';

/** The first `count` primes, whose reciprocals share no factor: what grows a denominator fastest. */
function primes(count: number): number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  }
  return found;
}

describe('evaluate', () => {
  it.each([
    ['1 + 2 * 3', '7'],
    ['(1 + 2) * 3', '9'],
    ['7 - 3 - 2', '2'],
    ['100 / 10 / 5', '2'],
    ['100 / (10 / 5)', '50'],
    ['2 - 3 * 4 + 5', '-5'],
    ['-2 * -3', '6'],
    ['2 - -3', '5'],
    ['+-+4', '-4'],
    ['-(2 + 3)', '-5'],
    ['.5 + 0.50', '1'],
    ['007', '7'],
    ['1\t+\n2 \r', '3'],
    ['19.99 * 3 * (1 - 0.15)', '1019490/20000'],
    ['1 / 3 * 3', '1'],
    ['0.1 + 0.2', '3/10'],
    ['9223372036854775807 * 9223372036854775807', '85070591730234615847396907784232501249'],
    ['0 * -1', '0'],
  ])('%s is %s', (expression, value) => {
    expect(evaluate(expression).equals(value)).toBe(true);
  });

  it.each([
    ['1 / 0', 'column 3: division by zero'],
    ['1 + 2 / (3 - 3.0)', 'column 7: division by zero'],
    ['0 / 0', 'column 3: division by zero'],
    ['1 / (1 / 0)', 'column 8: division by zero'],
  ])('%s divides by zero, and says where', (expression, message) => {
    expect(() => evaluate(expression)).toThrow(message);
  });

  it('reads thousands of signs without running out of stack', () => {
    expect(evaluate(`${'-'.repeat(4095)}1`).equals(-1)).toBe(true);
    expect(evaluate(`${'- '.repeat(2000)}1`).equals(1)).toBe(true);
  });

  it('reads thousands of operators without running out of stack', () => {
    expect(evaluate(`1${'+1'.repeat(2047)}`).equals(2048)).toBe(true);
    expect(evaluate(`1${'*2'.repeat(2047)}`).n).toBe(2n ** 2047n);
  });

  it('takes a denominator of 150 digits', () => {
    expect(evaluate(`1${'*.5'.repeat(498)}`).d).toBe(2n ** 498n);
    expect(evaluate(`0.${'0'.repeat(148)}1`).d).toBe(10n ** 149n);
  });

  it.each([
    [
      'a sum of unrelated fractions',
      primes(90)
        .map((prime) => `1/${prime}`)
        .join('+'),
    ],
    ['a long divisor', `1 / ${'1'.repeat(151)}`],
    ['a long divisor of a difference', `1 - 1 / ${'1'.repeat(151)}`],
  ])('refuses one of more: %s', (_, expression) => {
    expect(() => evaluate(expression)).toThrow(
      /^column \d+: the exact value needs a denominator of more than 150 digits; evaluate parts/,
    );
  });

  it('refuses a decimal of more, and says what to write', () => {
    expect(() => evaluate(`1 + 0.${'1'.repeat(150)}`)).toThrow(
      'column 5: the exact value needs a denominator of more than 150 digits; write the number with fewer decimals',
    );
  });
});
