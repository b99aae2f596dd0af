import { add, divide, multiply, type Rational, rational, subtract } from './rational.js';

const TOKEN = /\d+(?:\.\d+)?|[-+*/()]/g;

/** The value of an expression of decimals, `+ - * /` and parentheses. */
export function evaluate(expression: string): Rational {
  const tokens = expression.match(TOKEN) ?? [];
  if (tokens.join('') !== expression.replace(/\s/g, '')) throw new SyntaxError(`not an expression: ${expression}`);
  let position = 0;
  const next = () => tokens[position++] ?? '';

  function operand(): Rational {
    const token = next();
    if (token !== '(') return rational(token);
    const value = sum();
    if (next() !== ')') throw new SyntaxError(`a parenthesis is missing in ${expression}`);
    return value;
  }

  function product(): Rational {
    let value = operand();
    while (tokens[position] === '*' || tokens[position] === '/') {
      value = next() === '*' ? multiply(value, operand()) : divide(value, operand());
    }
    return value;
  }

  function sum(): Rational {
    let value = product();
    while (tokens[position] === '+' || tokens[position] === '-') {
      value = next() === '+' ? add(value, product()) : subtract(value, product());
    }
    return value;
  }

  const value = sum();
  if (position !== tokens.length) throw new SyntaxError(`${expression} goes on after its end`);
  return value;
}
