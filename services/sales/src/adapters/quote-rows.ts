import { type Percent, parsePercent } from '../domain/percent.js';
import type { Quote, QuoteLine, QuoteState } from '../domain/quote.js';

/** A quote, joined with its order. */
export interface QuoteRow {
  readonly sequence: bigint;
  readonly id: string;
  readonly customer_id: string;
  readonly discount_percent: string;
  readonly tax_percent: string;
  readonly currency: string;
  readonly net_minor: string;
  readonly total_minor: string;
  readonly create_time: Date;
  readonly order_id: string | null;
  readonly project: string | null;
}

/** A line of a quote. */
export interface LineRow {
  readonly quote_id: string;
  readonly product_id: string;
  readonly quantity: bigint;
  readonly discount_percent: string;
  readonly title: string;
  readonly unit_price_minor: string;
  readonly delivery_effort_minutes: bigint;
}

/** The quote of a row and its lines, in their order. */
export function toQuote(row: QuoteRow, lines: readonly LineRow[]): Quote {
  const { currency } = row;
  return {
    id: row.id,
    customerId: row.customer_id,
    lines: lines.map((line) => toLine(line, currency)),
    discount: toPercent(row.discount_percent),
    taxRate: toPercent(row.tax_percent),
    price: {
      net: { currency, minorUnits: BigInt(row.net_minor) },
      total: { currency, minorUnits: BigInt(row.total_minor) },
    },
    state: stateOf(row),
    orderId: row.order_id ?? undefined,
    createTime: row.create_time,
  };
}

function stateOf({ order_id, project }: QuoteRow): QuoteState {
  if (order_id === null) return 'open';
  return project === null ? 'accepting' : 'accepted';
}

function toLine(line: LineRow, currency: string): QuoteLine {
  return {
    productId: line.product_id,
    quantity: line.quantity,
    discount: toPercent(line.discount_percent),
    title: line.title,
    unitPrice: { currency, minorUnits: BigInt(line.unit_price_minor) },
    deliveryEffortMinutes: line.delivery_effort_minutes,
  };
}

function toPercent(numeric: string): Percent {
  const percent = parsePercent(numeric);
  if (percent === undefined) throw new RangeError(`${numeric} is stored where a percentage belongs`);
  return percent;
}
