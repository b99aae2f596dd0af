import type { Decimal } from '@rondo/contracts/google/type/decimal';
import type { Money as MoneyMessage } from '@rondo/contracts/google/type/money';
import { type Column, moneyColumns, readOnly } from '@rondo/resources';
import { currencyDigits, type Money, minorPerUnit } from './domain/money.js';
import type { Price, PricedLines } from './domain/offer.js';
import { formatPercent, type Percent, parsePercent, ZERO_PERCENT } from './domain/percent.js';

/** A percentage; 0 is a missing one. */
const percentColumn = (column: string): Column<Decimal | undefined> => ({
  names: [column],
  types: ['numeric(7, 4) NOT NULL DEFAULT 0'],
  write: (decimal) => [formatPercent(percentOf(decimal))],
  read: ([value]) => percentMessage(storedPercent(String(value))),
  check: checkPercent,
});

/** Reports a text that is no percentage. */
export const checkPercent: NonNullable<Column<Decimal | undefined>['check']> = (field, path, decimal) => {
  if (decimal === undefined || parsePercent(decimal.value) !== undefined) return;
  field(path)(`must be from 0 to 100 with at most 4 decimals, such as 12.5; it is "${decimal.value}"`);
};

/** The percentage of a checked message. */
export const percentOf = (decimal: Decimal | undefined): Percent =>
  decimal === undefined ? ZERO_PERCENT : storedPercent(decimal.value);

/** The percentage in a text of the database. */
export function storedPercent(text: string): Percent {
  const percent = parsePercent(text);
  if (percent === undefined) throw new RangeError(`"${text}" isn't a percentage`);
  return percent;
}

/** The message of a percentage. */
export const percentMessage = (percent: Percent): Decimal | undefined =>
  percent.tenThousandths === 0n ? undefined : { value: formatPercent(percent) };

/** `google.type.Money` counts the fraction of a unit in billionths. */
const NANOS_PER_UNIT = 1_000_000_000n;

/** The message of an amount. */
export function moneyMessage({ currency, minorUnits }: Money): MoneyMessage {
  const perUnit = minorPerUnit(currency);
  const nanos = Number((minorUnits % perUnit) * (NANOS_PER_UNIT / perUnit));
  return { currencyCode: currency, units: minorUnits / perUnit, nanos };
}

/** An amount of a quote or an order, in the currency of the row. */
const amountColumn = (amount: string): Column<MoneyMessage | undefined> =>
  moneyColumns({ currency: 'currency', amount, digits: currencyDigits });

/** The percentages on the sum of all lines. */
export interface Percents {
  readonly discountPercent?: Decimal | undefined;
  readonly taxPercent?: Decimal | undefined;
}

/** The columns of what makes a price, and of the price. */
export const OFFER_COLUMNS = {
  discountPercent: percentColumn('discount_percent'),
  taxPercent: percentColumn('tax_percent'),
  net: amountColumn('net_minor'),
  tax: readOnly<MoneyMessage | undefined>(['currency', 'net_minor', 'total_minor'], ([currency, net, total]) =>
    moneyMessage({ currency: String(currency), minorUnits: BigInt(String(total)) - BigInt(String(net)) }),
  ),
  total: amountColumn('total_minor'),
};

/** The fields of {@link OFFER_COLUMNS} that are written. */
export const offerFields = ({
  discount,
  taxRate,
  price: { net, total },
}: Omit<PricedLines, 'lines'> & { readonly price: Price }) => ({
  discountPercent: percentMessage(discount),
  taxPercent: percentMessage(taxRate),
  net: moneyMessage(net),
  total: moneyMessage(total),
});
