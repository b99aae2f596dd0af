import { columnsOf } from '@rondo/resources/sql';
import { type PayloadFields, payloadFields } from '@rondo/sync';
import type { OfferLine } from '../domain/offer.js';
import type { Quote, QuoteState } from '../domain/quote.js';
import { LINE_COLUMNS, type LineColumns, linesOf, selectLines, toPercent } from './lines.js';

/** A row of `quotes`, joined with its order. */
export interface QuoteRow {
  readonly sequence: bigint;
  readonly id: string;
  readonly customer_id: string;
  readonly quote_date: string;
  readonly valid_until_date: string | null;
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

/** The lines of a quote, column by column. */
export interface QuoteLineColumns extends LineColumns {
  readonly efforts: readonly bigint[];
}

/** The columns of `quotes` that are read. */
export const QUOTE_COLUMNS = [
  ...['sequence', 'id', 'customer_id', 'quote_date', 'discount_percent', 'tax_percent', 'currency', 'net_minor'],
  ...['valid_until_date', 'total_minor', 'version', 'create_time', 'update_time', 'delete_time'],
];

/** The columns of {@link QuoteLineColumns}, of the relation `lines`. */
export const QUOTE_LINE_COLUMNS = columnsOf('lines', [...LINE_COLUMNS, 'efforts']);

/** A SELECT of {@link QuoteLineColumns} from `from`. */
export function selectQuoteLines(from: string): string {
  return selectLines(from, [['delivery_effort_minutes', 'efforts']]);
}

/** The quote of a row that has its lines. */
export function toQuote(row: QuoteRow & QuoteLineColumns): Quote {
  const lines = linesOf(row).map((line, index) => ({ ...line, deliveryEffortMinutes: row.efforts[index] ?? 0n }));
  return quoteOf(row, lines);
}

/** The quote of a row, with the given lines. */
export function quoteOf(row: QuoteRow, lines: readonly OfferLine[]): Quote {
  const { currency } = row;
  return {
    id: row.id,
    customerId: row.customer_id,
    quoteDate: row.quote_date,
    validUntil: row.valid_until_date ?? undefined,
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
    // A quote that has an order doesn't change any more.
    updateTime: row.order_time ?? row.update_time,
    deleteTime: row.delete_time ?? undefined,
  };
}

function stateOf({ order_id, project }: QuoteRow): QuoteState {
  if (order_id === null) return 'open';
  return project === null ? 'accepting' : 'accepted';
}

/** The quote in a change: its row, with its order and its lines. Migration 0017 appends it. */
export function parseQuote({ text, optional, whole, time, optionalTime, list }: PayloadFields): Quote {
  const row = {
    sequence: whole('sequence'),
    id: text('id'),
    customer_id: text('customer_id'),
    quote_date: text('quote_date'),
    valid_until_date: optional('valid_until_date'),
    discount_percent: text('discount_percent'),
    tax_percent: text('tax_percent'),
    currency: text('currency'),
    net_minor: text('net_minor'),
    total_minor: text('total_minor'),
    version: whole('version'),
    create_time: time('create_time'),
    update_time: time('update_time'),
    delete_time: optionalTime('delete_time'),
    order_id: optional('order_id'),
    order_time: optionalTime('order_time'),
    project: optional('project'),
  };
  const lines = list('lines').map((line) => parseLine(payloadFields(line), row.currency));
  return quoteOf(row, lines);
}

function parseLine({ text, whole }: PayloadFields, currency: string): OfferLine {
  return {
    productId: text('product_id'),
    quantity: whole('quantity'),
    discount: toPercent(text('discount_percent')),
    title: text('title'),
    unitPrice: { currency, minorUnits: whole('unit_price_minor') },
    deliveryEffortMinutes: whole('delivery_effort_minutes'),
  };
}
