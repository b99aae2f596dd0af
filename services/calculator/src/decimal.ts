/** How a value between two decimals is rounded. */
export type Rounding = 'half-even' | 'half-up' | 'down' | 'up' | 'floor' | 'ceiling';

/** An exact value: the sign, and a non-negative numerator and denominator in lowest terms. */
export interface Rational {
  readonly s: bigint;
  readonly n: bigint;
  readonly d: bigint;
}

export interface DecimalFormat {
  /** Digits after the decimal point. Default: as many as the value has, or 30 if its expansion is infinite. */
  readonly scale?: number | undefined;
  readonly rounding: Rounding;
}

/** The maximum number of digits after the decimal point. */
export const MAX_SCALE = 30;

/** What decides between the two neighbours of a value that isn't a decimal of the requested scale. */
interface Rest {
  readonly negative: boolean;
  /** Whether the neighbour nearer to zero ends in an odd digit. */
  readonly odd: boolean;
  /** Negative, zero or positive if the rest is less than, equal to or more than half a unit. */
  readonly half: bigint;
}

const goesAwayFromZero: Readonly<Record<Rounding, (rest: Rest) => boolean>> = {
  'half-even': ({ half, odd }) => half > 0n || (half === 0n && odd),
  'half-up': ({ half }) => half >= 0n,
  down: () => false,
  up: () => true,
  floor: ({ negative }) => negative,
  ceiling: ({ negative }) => !negative,
};

/** Formats `value` in plain notation, rounded once. Zero never has a sign. */
export function toDecimal(value: Rational, { scale, rounding }: DecimalFormat): string {
  const digits = scale ?? decimalPlaces(value.d) ?? MAX_SCALE;
  const units = roundedUnits(value, { digits, rounding });
  const text = units.toString().padStart(digits + 1, '0');
  const sign = value.s < 0n && units !== 0n ? '-' : '';
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** The magnitude of `value` in units of the last digit, rounded. */
function roundedUnits({ s, n, d }: Rational, { digits, rounding }: { digits: number; rounding: Rounding }): bigint {
  const scaled = n * 10n ** BigInt(digits);
  const units = scaled / d;
  const rest = scaled % d;
  if (rest === 0n) return units;
  const away = goesAwayFromZero[rounding]({ negative: s < 0n, odd: units % 2n === 1n, half: 2n * rest - d });
  return away ? units + 1n : units;
}

/** The digits after the decimal point of a fraction in lowest terms; undefined if they have no end. */
function decimalPlaces(denominator: bigint): number | undefined {
  const twos = multiplicity(denominator, 2n);
  const fives = multiplicity(denominator, 5n);
  const ends = denominator === 2n ** BigInt(twos) * 5n ** BigInt(fives);
  return ends ? Math.max(twos, fives) : undefined;
}

/** How often `prime` divides `value`. */
function multiplicity(value: bigint, prime: bigint): number {
  let count = 0;
  for (let rest = value; rest % prime === 0n; rest /= prime) count += 1;
  return count;
}
