import Fraction from 'fraction.js';
import { ExpressionError } from './expression-error.js';
import { type Expression, type Link, parse } from './parse.js';

/** Digits of an exact value's denominator; those of money and of hours have under ten. */
const MAX_DENOMINATOR_DIGITS = 150;
const MAX_DENOMINATOR = 10n ** BigInt(MAX_DENOMINATOR_DIGITS);

/**
 * The exact value of a decimal expression, as a fraction in lowest terms: nothing is rounded, 1/3*3 is 1.
 *
 * The denominator is bounded because each operation cancels by Euclid's algorithm, whose time grows with it: a sum of
 * hundreds of unrelated fractions would hold the process for a second; within the bound the worst takes some 50 ms.
 * The numerator needs no bound of its own: without exponents it grows no faster than the expression.
 *
 * @throws ExpressionError where the expression can't be read, divides by zero, or needs a denominator over the bound.
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
      if (right.n === 0n) throw new ExpressionError(column, 'division by zero; what stands right of "/" must not be 0');
      return bounded(left.div(right), column);
  }
}

const IN_PARTS = 'evaluate parts of it in calls of their own, with a scale';

function bounded(value: Fraction, column: number, remedy = IN_PARTS): Fraction {
  if (value.d < MAX_DENOMINATOR) return value;
  const problem = `the exact value needs a denominator of more than ${MAX_DENOMINATOR_DIGITS} digits`;
  throw new ExpressionError(column, `${problem}; ${remedy}`);
}
