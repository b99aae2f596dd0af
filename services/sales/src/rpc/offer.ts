import type { Decimal } from '@rondo/contracts/google/type/decimal';
import type { OrderLine as LineMessage } from '@rondo/contracts/sales/v1/orders';
import { checked, type FieldAt, type ReportFault } from '@rondo/rpc/status';
import { nameOf } from '../domain/names.js';
import type { LineDraft, PricedLine, PriceRequest } from '../domain/offer.js';
import { lineCountFault, quantityFault } from '../domain/rules.js';
import { toMoneyMessage } from './money.js';
import { readName } from './names.js';
import { formatPercent, type Percent, parsePercent, ZERO_PERCENT } from '../domain/percent.js';
import type { DateMessage } from '@rondo/contracts/google/type/date';
import { readDate } from '@rondo/resources';
import type { CalendarDate } from '../domain/calendar-date.js';

/** What quotes and orders have alike: what is asked the price of. */
interface PriceRequestMessage {
  readonly lines: readonly LineMessage[];
  readonly discountPercent: Decimal | undefined;
  readonly taxPercent: Decimal | undefined;
}

/** What is asked the price of; `field` is that of what has the lines. */
export function readPriceRequest(
  field: FieldAt,
  { lines, discountPercent, taxPercent }: PriceRequestMessage,
): PriceRequest {
  return {
    lines: readLines(field, lines),
    discount: readPercent(field('discount_percent'), discountPercent),
    taxRate: readPercent(field('tax_percent'), taxPercent),
  };
}

/** The lines of something; `field` is that of what has them. */
export function readLines(field: FieldAt, lines: readonly LineMessage[]): readonly LineDraft[] {
  checked(field('lines'), lines.length, lineCountFault);
  return lines.map((line, index) => readLine((path) => field(`lines[${index}].${path}`), line));
}

function readLine(field: FieldAt, { product, quantity, discountPercent }: LineMessage): LineDraft {
  return {
    productId: readName(field('product'), 'product', product),
    quantity: checked(field('quantity'), quantity, quantityFault),
    discount: readPercent(field('discount_percent'), discountPercent),
  };
}

/** A line as the contracts have it: quotes' and orders' are alike. */
export function toLineMessage({ productId, quantity, discount, unitPrice, title }: PricedLine): LineMessage {
  return {
    product: nameOf('product', productId),
    quantity,
    discountPercent: toPercentMessage(discount),
    unitPrice: toMoneyMessage(unitPrice),
    title,
  };
}

/** A percentage as the contracts have it: none at all is a missing one. */
export function toPercentMessage(percent: Percent): Decimal | undefined {
  return percent.tenThousandths === 0n ? undefined : { value: formatPercent(percent) };
}

/** A percentage; a missing one is none at all. */
export function readPercent(report: ReportFault, message: Decimal | undefined): Percent {
  if (message === undefined) return ZERO_PERCENT;
  const percent = parsePercent(message.value);
  if (percent === undefined)
    report(`must be from 0 to 100 with at most 4 decimals, such as 12.5; it is "${message.value}"`);
  return percent ?? ZERO_PERCENT;
}

/** A day that isn't after today. */
export function readPastDate(
  report: ReportFault,
  message: DateMessage | undefined,
  today: CalendarDate,
): CalendarDate | undefined {
  const date = readDate(report, message);
  if (date !== undefined && date > today) report(`must not be after today, ${today} in UTC; it is ${date}`);
  return date;
}
