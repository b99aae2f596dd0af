import { describe, expect, it } from '@jest/globals';
import { evaluate } from './evaluate.js';
import { MAX_CHARACTERS, MAX_NESTING, parse } from './parse.js';

/**
 * The first `count` primes. Their reciprocals share no factor, so that their sums have the fastest growing denominator.
 */
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
    ['+-+4', '-4'],
    ['.5 + 0.50', '1'],
    ['007', '7'],
    ['1\t+\n2 \r', '3'],
    ['19.99 * 3 * (1 - 0.15)', '1019490/20000'],
    ['9223372036854775807 * 9223372036854775807', '85070591730234615847396907784232501249'],
  ])('%s is %s', (expression, value) => {
    expect(evaluate(expression).equals(value)).toBe(true);
  });

  it.each([
    ['1 / 0', 'column 3: division by zero'],
    ['1 + 2 / (3 - 3.0)', 'column 7: division by zero'],
    ['0 / 0', 'column 3: division by zero'],
    ['1 / (1 / 0)', 'column 8: division by zero'],
  ])('reports the division by zero in %s with its column', (expression, message) => {
    expect(() => evaluate(expression)).toThrow(message);
  });

  it('evaluates thousands of signs without a stack overflow', () => {
    expect(evaluate(`${'-'.repeat(4095)}1`).equals(-1)).toBe(true);
    expect(evaluate(`${'- '.repeat(2000)}1`).equals(1)).toBe(true);
  });

  it('evaluates thousands of operators without a stack overflow', () => {
    expect(evaluate(`1${'+1'.repeat(2047)}`).equals(2048)).toBe(true);
    expect(evaluate(`1${'*2'.repeat(2047)}`).n).toBe(2n ** 2047n);
  });

  it('accepts a denominator of 150 digits', () => {
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
  ])('refuses a larger denominator: %s', (_, expression) => {
    expect(() => evaluate(expression)).toThrow(
      /^column \d+: the exact value needs a denominator of more than 150 digits; evaluate parts/,
    );
  });

  it('refuses a decimal with more digits, with a remedy', () => {
    expect(() => evaluate(`1 + 0.${'1'.repeat(150)}`)).toThrow(
      'column 5: the exact value needs a denominator of more than 150 digits; write the number with fewer decimals',
    );
  });
});

const OPERAND = 'expected a number, "(" or "-"';

describe('the error of an expression that cannot be parsed', () => {
  it.each([
    ['', `column 1: ${OPERAND}, found the end`],
    [' \t\n', `column 4: ${OPERAND}, found the end`],
    ['12 + * 3', `column 6: ${OPERAND}, found "*"`],
    ['2**3', `column 3: ${OPERAND}, found "*"`],
    ['1 +', `column 4: ${OPERAND}, found the end`],
    ['()', `column 2: ${OPERAND}, found ")"`],
    ['--', `column 3: ${OPERAND}, found the end`],
    ['2 3', 'column 3: expected an operator or the end, found "3"'],
    ['2(3)', 'column 2: expected an operator or the end, found "("'],
    ['1.2.3', 'column 4: expected an operator or the end, found ".3"'],
    ['1)', 'column 2: expected an operator or the end, found ")"'],
    ['2 * (3 + 4', 'column 11: expected an operator or ")" for the "(" at column 5, found the end'],
    ['(1 2)', 'column 4: expected an operator or ")" for the "(" at column 1, found "2"'],
    [`1 ${'7'.repeat(99)}`, `column 3: expected an operator or the end, found "${'7'.repeat(31)}…"`],
  ])('%j', (expression, message) => {
    expect(() => parse(expression)).toThrow(message);
  });

  it.each([
    ['5.', 'column 2: found "."; put a digit after the decimal point'],
    ['19,99', 'column 3: found ","; write decimals with a point and no separator of thousands, such as 1234.5'],
    ['1_000', 'column 2: found "_"; write numbers without separators'],
    ['100 * 15%', 'column 9: found "%"; write a percentage as a decimal, such as 0.15'],
    ['2^3', 'column 2: found "^"; write a power as a product'],
    ['2 × 3', 'column 3: found "×" (U+00D7); write *'],
    ['2 − 3', 'column 3: found "−" (U+2212); write -'],
    ['1e3', 'column 2: found the exponent "e3"; write the number out, 1e3 as 1000'],
    ['1E-3', 'column 2: found the exponent "E-3"; write the number out, 1e3 as 1000'],
    ['1 + e', 'column 5: found "e", which is not a number; use decimals, + - * / and parentheses'],
    ['price * 2', 'column 1: found "price", which is not a number; use decimals, + - * / and parentheses'],
    ['1 + 😀', 'column 5: found "😀" (U+1F600); use decimals, + - * / and parentheses'],
    ['1\u00a0+ 2', 'column 2: found U+00A0; use decimals, + - * / and parentheses'],
    ['1\u0000', 'column 2: found U+0000; use decimals, + - * / and parentheses'],
    ['\ud800', 'column 1: found U+D800; use decimals, + - * / and parentheses'],
    ['١', 'column 1: found "١" (U+0661); use decimals, + - * / and parentheses'],
    [`1 + ${'x'.repeat(99)}`, `column 5: found "${'x'.repeat(32)}", which`],
  ])('%j', (expression, message) => {
    expect(() => parse(expression)).toThrow(message);
  });
});

describe('the limits of an expression', () => {
  const nested = (depth: number) => `${'('.repeat(depth)}1${')'.repeat(depth)}`;

  it('are 64 levels of parentheses', () => {
    expect(parse(nested(MAX_NESTING))).toMatchObject({ kind: 'number' });
    expect(() => parse(nested(MAX_NESTING + 1))).toThrow('column 65: parentheses are nested more than 64 deep');
    expect(() => parse(nested(2000))).toThrow('column 65: parentheses are nested more than 64 deep');
  });

  it('allow any number of parentheses side by side', () => {
    expect(() => parse(Array(500).fill('(1)').join('+'))).not.toThrow();
  });

  it('are 4096 characters', () => {
    expect(() => parse('1'.repeat(MAX_CHARACTERS))).not.toThrow();
    expect(() => parse('1'.repeat(MAX_CHARACTERS + 1))).toThrow(
      'column 4097: the expression has 4097 characters and may have 4096; evaluate parts of it in calls of their own',
    );
  });
});
