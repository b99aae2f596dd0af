/** The lines of quotes and orders in PostgreSQL, read and written column by column. */
import type { SqlValue } from '@rondo/database';
import type { PricedLine } from '../domain/offer.js';
import { formatPercent, type Percent, parsePercent } from '../domain/percent.js';

/** The lines of one quote or order: an array per column, each in the order of the lines. */
export interface LineColumns {
  readonly product_ids: readonly string[];
  readonly quantities: readonly bigint[];
  readonly discounts: readonly string[];
  readonly titles: readonly string[];
  readonly unit_prices_minor: readonly string[];
}

/** The columns of {@link LineColumns}. */
export const LINE_COLUMNS = ['product_ids', 'quantities', 'discounts', 'titles', 'unit_prices_minor'];

const AGGREGATES = [
  ['product_id', 'product_ids'],
  ['quantity', 'quantities'],
  ['discount_percent', 'discounts'],
  ['title', 'titles'],
  ['unit_price_minor', 'unit_prices_minor'],
] as const;

/**
 * A SELECT of {@link LineColumns} from `from`. Reading the lines in the same statement as their quote or order makes
 * both consistent.
 *
 * @param others further columns and the names of their arrays.
 */
export function selectLines(from: string, others: readonly (readonly [column: string, as: string])[] = []): string {
  const columns = [...AGGREGATES, ...others];
  return `SELECT ${columns.map(([column, as]) => `array_agg(${column} ORDER BY position) AS ${as}`).join(', ')} FROM ${from}`;
}

/** The lines of a row that has them by column. */
export function linesOf({
  currency,
  product_ids,
  ...columns
}: LineColumns & { readonly currency: string }): PricedLine[] {
  return product_ids.map((productId, index) => ({
    productId,
    quantity: columns.quantities[index] ?? 0n,
    discount: toPercent(columns.discounts[index] ?? ''),
    title: columns.titles[index] ?? '',
    unitPrice: { currency, minorUnits: BigInt(columns.unit_prices_minor[index] ?? '') },
  }));
}

/** The lines by column: product, quantity, discount, title, unit price. */
export function lineParams(lines: readonly PricedLine[]): readonly SqlValue[] {
  return [
    lines.map(({ productId }) => productId),
    lines.map(({ quantity }) => quantity),
    lines.map(({ discount }) => formatPercent(discount)),
    lines.map(({ title }) => title),
    lines.map(({ unitPrice }) => unitPrice.minorUnits),
  ];
}

/** Reads a percentage from a numeric column. */
export function toPercent(numeric: string): Percent {
  const percent = parsePercent(numeric);
  if (percent === undefined) throw new RangeError(`${numeric} is stored in a column of percentages, and is none`);
  return percent;
}

/** Of an encoded quote or order without its lines, and of a line without its title. Both are upper bounds. */
const [HEAD_BYTES, LINE_BYTES] = [1_000, 250];

/** An upper bound of the bytes of an encoded quote or order. */
export function bytesOf({ lines }: { readonly lines: readonly PricedLine[] }): number {
  return lines.reduce((sum, { title }) => sum + LINE_BYTES + Buffer.byteLength(title), HEAD_BYTES);
}
