/** An exact fraction, for tests: arithmetic that shares nothing with the calculator's or with the code under test. */
export interface Rational {
  readonly numerator: bigint;
  /** Positive. */
  readonly denominator: bigint;
}

/** A whole number, or a decimal in plain notation. */
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

export function divide(a: Rational, b: Rational): Rational {
  return multiply(a, { numerator: b.denominator, denominator: b.numerator });
}

/** Rounded half to even, as a whole number of units of 10^-scale; of what isn't negative. */
export function round({ numerator, denominator }: Rational, scale: number): bigint {
  const scaled = numerator * 10n ** BigInt(scale);
  const floor = scaled / denominator;
  const twice = 2n * (scaled % denominator);
  if (twice === denominator) return floor + (floor % 2n);
  return twice > denominator ? floor + 1n : floor;
}

/** In plain notation with `scale` digits; without a scale with as many as it has, up to 30. */
export function toPlain(value: Rational, scale?: number): string {
  const digits = scale ?? 30;
  const text = round(value, digits)
    .toString()
    .padStart(digits + 1, '0');
  const plain = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return scale === undefined ? plain.replace(/\.?0+$/, '') : plain;
}
