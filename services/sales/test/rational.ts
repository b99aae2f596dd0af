/** An exact fraction for tests. It shares no code with the calculator or the code under test. */
export interface Rational {
  readonly numerator: bigint;
  /** Positive. */
  readonly denominator: bigint;
}

/** Reads a whole number, or a decimal in plain notation. */
export function rational(text: string | bigint): Rational {
  const [units = '', fraction = ''] = text.toString().split('.');
  return { numerator: BigInt(units + fraction), denominator: 10n ** BigInt(fraction.length) };
}

export function add(a: Rational, b: Rational): Rational {
  const numerator = a.numerator * b.denominator + b.numerator * a.denominator;
  return { numerator, denominator: a.denominator * b.denominator };
}

export function subtract(a: Rational, b: Rational): Rational {
  return add(a, { ...b, numerator: -b.numerator });
}

export function multiply(a: Rational, b: Rational): Rational {
  return { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator };
}

function divide(a: Rational, b: Rational): Rational {
  return multiply(a, { numerator: b.denominator, denominator: b.numerator });
}

/** Rounds a fraction that isn't negative, half to even, to a whole number of units of 10^-scale. */
export function round({ numerator, denominator }: Rational, scale: number): bigint {
  const scaled = numerator * 10n ** BigInt(scale);
  const floor = scaled / denominator;
  const twice = 2n * (scaled % denominator);
  if (twice === denominator) return floor + (floor % 2n);
  return twice > denominator ? floor + 1n : floor;
}

/** Writes a fraction in plain notation with `scale` digits; without a scale, with up to 30 digits. */
export function toPlain(value: Rational, scale?: number): string {
  const digits = scale ?? 30;
  const text = round(value, digits)
    .toString()
    .padStart(digits + 1, '0');
  const plain = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return scale === undefined ? plain.replace(/\.?0+$/, '') : plain;
}

const TOKEN = /\d+(?:\.\d+)?|[-+*/()]/g;

/** Evaluates an expression of decimals, `+ - * /` and parentheses. */
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
