import type { FieldAt } from '@rondo/rpc/status';
import { type NamePattern, namePattern, wrongName } from '../domain/names.js';
import { readDate, toDateMessage } from '../request-fields.js';
import { type Column, storedBigint, storedText } from './column.js';

/** `google.type.Date`. */
interface DateValue {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** A `google.type.Date` as a `date`. Only whole dates can be stored. */
export function dateColumn(column: string): Column<DateValue | undefined> {
  const toText = (value: DateValue | undefined): string | null => readDate(() => undefined, value) ?? null;
  return {
    names: [column],
    types: ['date'],
    write: (value) => [toText(value)],
    read: ([value]) => (value == null ? undefined : toDateMessage(storedText(value))),
    filter: { kind: 'date' },
    etagged: (value) => toText(value) ?? undefined,
    check: (field, path, value) => void readDate(field(path), value),
  };
}

/** `google.type.Decimal`. */
interface DecimalValue {
  readonly value: string;
}

const DECIMAL = /^[+-]?(?:\d{1,64}(?:\.\d{0,64})?|\.\d{1,64})$/;

/** A `google.type.Decimal` without an exponent as a `numeric`, which keeps all digits. */
export function decimalColumn(column: string): Column<DecimalValue | undefined> {
  return {
    names: [column],
    types: ['numeric'],
    write: (decimal) => [decimal === undefined ? null : plain(decimal.value)],
    read: ([value]) => (value == null ? undefined : { value: withoutZeros(storedText(value)) }),
    etagged: (decimal) => decimal && withoutZeros(decimal.value || '0'),
    check(field, path, decimal) {
      if (decimal === undefined || decimal.value === '' || DECIMAL.test(decimal.value)) return;
      field(path)(
        `must be a decimal number such as 2.5, without an exponent; it is ${JSON.stringify(decimal.value.slice(0, 80))}`,
      );
    },
  };
}

/** A checked decimal as the column has it: alike for equal numbers. */
function plain(text: string): string {
  const [, sign = '', units = '', fraction = ''] =
    /^([+-]?)0*(\d*)\.?(\d*?)0*$/.exec(text.includes('.') ? text : `${text}.`) ?? [];
  const digits = `${units || '0'}${fraction && `.${fraction}`}`;
  return sign === '-' && digits !== '0' ? `-${digits}` : digits;
}

const withoutZeros = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

/** `google.type.Money`. */
interface MoneyValue {
  readonly currencyCode: string;
  readonly units: bigint;
  readonly nanos: number;
}

/** Where a {@link moneyColumns} has an amount. */
export interface MoneyOptions {
  /** The column with the currency, such as `EUR`. */
  readonly currency: string;
  /** The column with the amount, in units of 10 to the power of minus `digits`. */
  readonly amount: string;
  /** The digits after the point that an amount has in a currency, undefined for no currency; by default 9, those of the contract. */
  readonly digits?: (currency: string) => number | undefined;
}

const NANO_DIGITS = 9;
/** The powers of ten: lists read many amounts. */
const NANOS = Array.from({ length: NANO_DIGITS + 1 }, (_, digits) => 10n ** BigInt(digits));

/** A `google.type.Money` as its currency and a whole number, so that sums in SQL are exact. */
export function moneyColumns({
  currency,
  amount,
  digits = () => NANO_DIGITS,
}: MoneyOptions): Column<MoneyValue | undefined> {
  const nanosPerMinor = (code: string): bigint => NANOS[NANO_DIGITS - (digits(code) ?? NANO_DIGITS)] ?? 1n;
  const minorOf = ({ currencyCode, units, nanos }: MoneyValue): bigint =>
    (units * 1_000_000_000n + BigInt(nanos)) / nanosPerMinor(currencyCode);
  return {
    names: [currency, amount],
    types: ['text', 'numeric(30, 0)'],
    write: (money) => (money === undefined ? [null, null] : [money.currencyCode, minorOf(money)]),
    read([code, minor]) {
      if (code == null || minor == null) return undefined;
      const nanos = storedBigint(minor) * nanosPerMinor(storedText(code));
      return { currencyCode: storedText(code), units: nanos / 1_000_000_000n, nanos: Number(nanos % 1_000_000_000n) };
    },
    etagged: (money) => money && { currency: money.currencyCode, minorUnits: minorOf(money) },
    check: (field, path, money) => money && checkMoney(field, path, { money, digits: digits(money.currencyCode) }),
  };
}

interface CheckedMoney {
  readonly money: MoneyValue;
  readonly digits: number | undefined;
}

function checkMoney(
  field: FieldAt,
  path: string,
  { money: { currencyCode, units, nanos }, digits }: CheckedMoney,
): void {
  if (digits === undefined || !/^[A-Z]{3}$/.test(currencyCode)) {
    field(`${path}.currency_code`)(`must be a currency of ISO 4217 in capitals, such as EUR; it is "${currencyCode}"`);
  }
  if ((units > 0n && nanos < 0) || (units < 0n && nanos > 0)) {
    field(path)(`units and nanos must have the same sign; they are ${units} and ${nanos}`);
  }
  if (digits === undefined) return;
  if (Math.abs(nanos) >= 1_000_000_000 || nanos % 10 ** (NANO_DIGITS - digits) !== 0) {
    field(`${path}.nanos`)(
      `must be less than 1 unit, of which ${currencyCode} has ${digits} digits after the point; it is ${nanos}`,
    );
  }
}

/** A reference to a resource, such as `customers/{customer}`, as the id in it. An empty one is null. */
export function reference(pattern: string | NamePattern<string>, column: string): Column<string> {
  const names = typeof pattern === 'string' ? namePattern(pattern, (...ids) => ids.join('/')) : pattern;
  const ids = names.pattern.split(/\{\w+\}/);
  const nameOf = (id: string): string => {
    const parts = id.split('/');
    return ids.map((part, index) => `${part}${parts[index] ?? ''}`).join('');
  };
  return {
    names: [column],
    types: ['text'],
    write: (name) => [name === '' ? null : (names.parse(name) ?? null)],
    read: ([id]) => (id == null || id === '' ? '' : nameOf(storedText(id))),
    filter: { kind: 'name', pattern: names.pattern, read: names.parse },
    check(field, path, name) {
      if (name === '' || names.parse(name) !== undefined) return;
      field(path)(wrongName(names.pattern, name));
    },
  };
}

/** A field that the database computes or another table has: it is read, and nothing writes it. */
export function readOnly<T>(names: readonly string[], read: (values: readonly unknown[]) => T): Column<T> {
  return { names, types: [], write: () => [], read };
}
