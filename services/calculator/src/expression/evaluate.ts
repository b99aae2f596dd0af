import Fraction from 'fraction.js';
import { type Expression, type Link, parse } from './parse.js';
import { ExpressionError } from './token.js';

/**
 * The maximum number of digits of a value's denominator; the denominators of money and of hours have under ten digits.
 */
const MAX_DENOMINATOR_DIGITS = 150;
const MAX_DENOMINATOR = 10n ** BigInt(MAX_DENOMINATOR_DIGITS);

/**
 * The exact value of a decimal expression, as a fraction in lowest terms. Nothing is rounded: 1/3*3 is 1.
 *
 * The denominator is bounded because each operation cancels by Euclid's algorithm, whose time grows with the
 * denominator. A sum of hundreds of unrelated fractions would block the process for a second; within the bound the
 * worst case takes about 50 ms. The numerator needs no bound of its own: without exponents it grows no faster than the
 * expression.
 *
 * @throws ExpressionError if the expression can't be parsed, divides by zero, or needs a denominator over the bound.
 */
export function evaluate(expression: string): Fraction {
  return compute(parse(expression));
}

function compute(expression: Expression): Fraction {
  switch (expression.kind) {
    case 'number':
      return bounded(new Fraction(expression.text), expression.column, 'write the number with fewer decimals');
    case 'negated':
      return compute(expression.operand).neg();
    case 'chain':
      return expression.links.reduce(apply, compute(expression.first));
  }
}

function apply(left: Fraction, { operator, operand, column }: Link): Fraction {
  const right = compute(operand);
  switch (operator) {
    case '+':
      return bounded(left.add(right), column);
    case '-':
      return bounded(left.sub(right), column);
    case '*':
      return bounded(left.mul(right), column);
    case '/':
      if (right.n === 0n) throw new ExpressionError(column, 'division by zero; the value after "/" must not be 0');
      return bounded(left.div(right), column);
  }
}

const IN_PARTS = 'evaluate parts of it in calls of their own, with a scale';

function bounded(value: Fraction, column: number, remedy = IN_PARTS): Fraction {
  if (value.d < MAX_DENOMINATOR) return value;
  const problem = `the exact value needs a denominator of more than ${MAX_DENOMINATOR_DIGITS} digits`;
  throw new ExpressionError(column, `${problem}; ${remedy}`);
}
