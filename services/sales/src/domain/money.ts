import { currencyDigits } from './currency.js';

/** An exact amount. */
export interface Money {
  /** An ISO 4217 code, such as `EUR`. */
  readonly currency: string;
  /** Whole minor units: cents of a euro, yen. */
  readonly minorUnits: bigint;
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;
const MAX_UNITS = 2n ** 63n - 1n;

/**
 * How many digits the minor unit of a currency has.
 *
 * @throws RangeError where there is no such currency: whatever comes from outside is checked before.
 */
export function digitsOf(currency: string): number {
  const digits = currencyDigits(currency);
  if (digits === undefined) throw new RangeError(`${currency} is no currency of ISO 4217`);
  return digits;
}

/** How many minor units make one: 100 for `EUR`. */
export function minorPerUnit(currency: string): bigint {
  return 10n ** BigInt(digitsOf(currency));
}

/** The amount in plain decimal notation with all digits of the currency, such as `19.90`. */
export function toDecimal({ currency, minorUnits }: Money): string {
  const digits = digitsOf(currency);
  const sign = minorUnits < 0n ? '-' : '';
  const text = (minorUnits < 0n ? -minorUnits : minorUnits).toString().padStart(digits + 1, '0');
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * The amount that plain decimal notation stands for.
 *
 * @throws RangeError where it is no decimal, or has more digits than the currency.
 */
export function fromDecimal(currency: string, text: string): Money {
  const [, sign, units, fraction = ''] = DECIMAL.exec(text) ?? [];
  const digits = digitsOf(currency);
  if (units === undefined || /[^0]/.test(fraction.slice(digits))) {
    throw new RangeError(`"${text}" is no amount in ${currency}`);
  }
  const minorUnits = BigInt(units + fraction.slice(0, digits).padEnd(digits, '0'));
  return { currency, minorUnits: sign === '-' ? -minorUnits : minorUnits };
}

/** a - b, both of one currency. */
export function subtract(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new RangeError(`can't subtract ${b.currency} from ${a.currency}`);
  return { currency: a.currency, minorUnits: a.minorUnits - b.minorUnits };
}

/** Whether `google.type.Money`, whose units are an int64, can hold the amount. */
export function isRepresentable({ currency, minorUnits }: Money): boolean {
  const units = minorUnits / minorPerUnit(currency);
  return units <= MAX_UNITS && units >= -MAX_UNITS;
}
