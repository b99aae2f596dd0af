/** A percentage from 0 to 100 with at most four decimals, held exactly. */
export interface Percent {
  readonly tenThousandths: bigint;
}

/** Zero percent. */
export const ZERO_PERCENT: Percent = { tenThousandths: 0n };

const DECIMALS = 4;
const MAX = 100n * 10n ** BigInt(DECIMALS);
const MAX_LENGTH = 64;
/** The grammar of `google.type.Decimal`, such as `12.5`, `+12.5`, `.5`, `5.` and `1.25e1`. */
const NOTATION = /^([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:[eE]([+-]?\d{1,3}))?$/;

/** Reads a decimal. Returns undefined if `text` isn't one, isn't from 0 to 100, or has more than four decimals. */
export function parsePercent(text: string): Percent | undefined {
  const match = text.length > MAX_LENGTH ? null : NOTATION.exec(text);
  if (match === null) return undefined;
  const [, sign, units = '', unitsFraction = '', bareFraction = '', exponent = '0'] = match;
  const fraction = unitsFraction + bareFraction;
  const value = shift(BigInt(units + fraction), Number(exponent) - fraction.length + DECIMALS);
  if (value === undefined || value > MAX || (sign === '-' && value > 0n)) return undefined;
  return { tenThousandths: value };
}

/** Writes a percentage in plain notation without trailing zeros, such as `12.5`. */
export function formatPercent({ tenThousandths }: Percent): string {
  const text = tenThousandths.toString().padStart(DECIMALS + 1, '0');
  const fraction = text.slice(-DECIMALS).replace(/0+$/, '');
  const units = text.slice(0, -DECIMALS);
  return fraction === '' ? units : `${units}.${fraction}`;
}

/** `value` times ten to the power of `places`; undefined if digits would be lost. */
function shift(value: bigint, places: number): bigint | undefined {
  if (places >= 0) return value * 10n ** BigInt(places);
  const divisor = 10n ** BigInt(-places);
  return value % divisor === 0n ? value / divisor : undefined;
}
