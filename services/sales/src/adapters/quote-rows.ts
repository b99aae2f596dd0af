import type { OfferLine } from '../domain/offer.js';
import type { Quote, QuoteState } from '../domain/quote.js';
import { toPercent } from './lines.js';

/** The lines of a quote by column, in their order: read with the quote in one statement, both are of one moment. */
export interface LineColumns {
  readonly product_ids: readonly string[];
  readonly quantities: readonly bigint[];
  readonly discounts: readonly string[];
  readonly titles: readonly string[];
  readonly unit_prices_minor: readonly string[];
  readonly efforts: readonly bigint[];
}

/** A quote, joined with its order. */
export interface QuoteRow {
  readonly sequence: bigint;
  readonly id: string;
  readonly customer_id: string;
  readonly quote_date: string;
  readonly discount_percent: string;
  readonly tax_percent: string;
  readonly currency: string;
  readonly net_minor: string;
  readonly total_minor: string;
  readonly version: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly delete_time: Date | null;
  readonly order_id: string | null;
  readonly order_time: Date | null;
  readonly project: string | null;
}

/** The columns of `quotes` that are read. */
export const QUOTE_COLUMNS = [
  ...['sequence', 'id', 'customer_id', 'quote_date', 'discount_percent', 'tax_percent', 'currency', 'net_minor'],
  ...['total_minor', 'version', 'create_time', 'update_time', 'delete_time'],
];

/** The columns that {@link lineColumnsOf} makes. */
export const LINE_COLUMNS = ['product_ids', 'quantities', 'discounts', 'titles', 'unit_prices_minor', 'efforts'];

/** Columns of lines, as {@link LineColumns} has them, of what `from` says. */
export function lineColumnsOf(from: string): string {
  const columns = [
    ['product_id', 'product_ids'],
    ['quantity', 'quantities'],
    ['discount_percent', 'discounts'],
    ['title', 'titles'],
    ['unit_price_minor', 'unit_prices_minor'],
    ['delivery_effort_minutes', 'efforts'],
  ];
  return `SELECT ${columns.map(([one, all]) => `array_agg(${one} ORDER BY position) AS ${all}`).join(', ')} FROM ${from}`;
}

/** The quote of a row that has its lines. */
export function toQuote(row: QuoteRow & LineColumns): Quote {
  return quoteOf(row, linesOf(row));
}

/** The quote of a row, with lines that are known. */
export function quoteOf(row: QuoteRow, lines: readonly OfferLine[]): Quote {
  const { currency } = row;
  return {
    id: row.id,
    customerId: row.customer_id,
    quoteDate: row.quote_date,
    lines,
    discount: toPercent(row.discount_percent),
    taxRate: toPercent(row.tax_percent),
    price: {
      net: { currency, minorUnits: BigInt(row.net_minor) },
      total: { currency, minorUnits: BigInt(row.total_minor) },
    },
    state: stateOf(row),
    orderId: row.order_id ?? undefined,
    version: row.version,
    createTime: row.create_time,
    // What has an order doesn't change any more.
    updateTime: row.order_time ?? row.update_time,
    deleteTime: row.delete_time ?? undefined,
  };
}

function stateOf({ order_id, project }: QuoteRow): QuoteState {
  if (order_id === null) return 'open';
  return project === null ? 'accepting' : 'accepted';
}

function linesOf({ currency, product_ids, ...columns }: QuoteRow & LineColumns): readonly OfferLine[] {
  return product_ids.map((productId, index) => ({
    productId,
    quantity: columns.quantities[index] ?? 0n,
    discount: toPercent(columns.discounts[index] ?? ''),
    title: columns.titles[index] ?? '',
    unitPrice: { currency, minorUnits: BigInt(columns.unit_prices_minor[index] ?? '') },
    deliveryEffortMinutes: columns.efforts[index] ?? 0n,
  }));
}
