import { describe, expect, it } from '@jest/globals';
import { MAX_CHARACTERS, MAX_NESTING, parse } from './parse.js';

const OPERAND = 'expected a number, "(" or "-"';

describe('what an expression that cannot be read is told', () => {
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
    ['1 + e', 'column 5: found "e", which is no number; use decimals, + - * / and parentheses'],
    ['price * 2', 'column 1: found "price", which is no number; use decimals, + - * / and parentheses'],
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

  it('takes 64 levels of parentheses and no more', () => {
    expect(parse(nested(MAX_NESTING))).toMatchObject({ kind: 'number' });
    expect(() => parse(nested(MAX_NESTING + 1))).toThrow('column 65: parentheses stand more than 64 deep');
    expect(() => parse(nested(2000))).toThrow('column 65: parentheses stand more than 64 deep');
  });

  it('takes any number of parentheses side by side', () => {
    expect(() => parse(Array(500).fill('(1)').join('+'))).not.toThrow();
  });

  it('takes 4096 characters and no more', () => {
    expect(() => parse('1'.repeat(MAX_CHARACTERS))).not.toThrow();
    expect(() => parse('1'.repeat(MAX_CHARACTERS + 1))).toThrow(
      'column 4097: the expression has 4097 characters and may have 4096; evaluate parts of it in calls of their own',
    );
  });
});
