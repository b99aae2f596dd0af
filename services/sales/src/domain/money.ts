/** An exact amount. */
export interface Money {
  /** An ISO 4217 code, such as `EUR`. */
  readonly currency: string;
  /** Whole minor units, such as cents for `EUR` and yen for `JPY`. */
  readonly minorUnits: bigint;
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;
const MAX_UNITS = 2n ** 63n - 1n;
/** Of 10. No currency has more digits. */
const POWERS = [1n, 10n, 100n, 1000n];

/**
 * The number of decimal digits of a currency's minor unit.
 *
 * @throws RangeError if there is no such currency. Handlers check every currency code before.
 */
export function digitsOf(currency: string): number {
  const digits = currencyDigits(currency);
  if (digits === undefined) throw new RangeError(`${currency} isn't a currency of ISO 4217`);
  return digits;
}

/** The number of minor units in one unit: 100 for `EUR`. */
export function minorPerUnit(currency: string): bigint {
  return POWERS[digitsOf(currency)] ?? 1n;
}

/** Writes an amount in plain decimal notation with all digits of the currency, such as `19.90`. */
export function toDecimal({ currency, minorUnits }: Money): string {
  const digits = digitsOf(currency);
  const sign = minorUnits < 0n ? '-' : '';
  const text = (minorUnits < 0n ? -minorUnits : minorUnits).toString().padStart(digits + 1, '0');
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/**
 * Reads an amount in plain decimal notation.
 *
 * @throws RangeError if `text` isn't a decimal number, or has more digits than the currency.
 */
export function fromDecimal(currency: string, text: string): Money {
  const [, sign, units, fraction = ''] = DECIMAL.exec(text) ?? [];
  const digits = digitsOf(currency);
  if (units === undefined || /[^0]/.test(fraction.slice(digits))) {
    throw new RangeError(`"${text}" isn't an amount in ${currency}`);
  }
  const minorUnits = BigInt(units + fraction.slice(0, digits).padEnd(digits, '0'));
  return { currency, minorUnits: sign === '-' ? -minorUnits : minorUnits };
}

/** a - b. @throws RangeError unless both are in the same currency. */
export function subtract(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new RangeError(`can't subtract ${b.currency} from ${a.currency}`);
  return { currency: a.currency, minorUnits: a.minorUnits - b.minorUnits };
}

/** Whether the amount fits into `google.type.Money`, whose units are an int64. */
export function isRepresentable({ currency, minorUnits }: Money): boolean {
  const units = minorUnits / minorPerUnit(currency);
  return units <= MAX_UNITS && units >= -MAX_UNITS;
}

/**
 * The currencies of ISO 4217 list one, by the number of digits of their minor unit. Codes of funds, metals and tests
 * are left out, as they aren't means of payment.
 * Source: https://www.six-group.com/en/products-services/financial-information/data-standards.html
 *
 * This is a table because `Intl` isn't reliable here: the runtime's locale data differs from the standard (`IQD`,
 * `LBP`) and between versions of the runtime, and stored amounts must never change their meaning.
 */
const CODES_BY_DIGITS: readonly (readonly [digits: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'],
  [
    2,
    `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE
    CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR
    KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB
    PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY
    TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG`,
  ],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
];

const DIGITS: ReadonlyMap<string, number> = new Map(
  CODES_BY_DIGITS.flatMap(([digits, codes]) => codes.split(/\s+/).map((code) => [code, digits] as const)),
);

/** The number of digits of a currency's minor unit: 2 for `EUR`, 0 for `JPY`. Undefined if there is no such code. */
export function currencyDigits(code: string): number | undefined {
  return DIGITS.get(code);
}
