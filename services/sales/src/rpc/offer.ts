import type { DateMessage } from '@rondo/contracts/google/type/date';
import type { Decimal } from '@rondo/contracts/google/type/decimal';
import type { OrderLine as LineMessage } from '@rondo/contracts/sales/v1/orders';
import { readDate } from '@rondo/resources';
import { type CalendarDate, dateAt } from '@rondo/resources/domain';
import type { FieldAt, ReportFault } from '@rondo/rpc/status';
import { nameOf } from '../domain/names.js';
import type { LineDraft, PricedLine, PriceRequest } from '../domain/offer.js';
import { formatPercent, type Percent, parsePercent, ZERO_PERCENT } from '../domain/percent.js';
import type { Ports } from '../domain/ports.js';
import { toMoneyMessage } from './money.js';
import { readName } from './names.js';

/** The fields that quotes and orders share and that make their price. */
interface PriceRequestMessage {
  readonly lines: readonly LineMessage[];
  readonly discountPercent: Decimal | undefined;
  readonly taxPercent: Decimal | undefined;
}

/** Reads the fields that make a price. `field` reports faults at paths within the quote or order. */
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

/** Reads lines. `field` reports faults at paths within the quote or order. */
export function readLines(field: FieldAt, lines: readonly LineMessage[]): readonly LineDraft[] {
  if (lines.length === 0) field('lines')('is required: 1 to 100 lines');
  return lines.map((line, index) => readLine((path) => field(`lines[${index}].${path}`), line));
}

function readLine(field: FieldAt, { product, quantity, discountPercent }: LineMessage): LineDraft {
  return {
    productId: readName(field('product'), 'product', product),
    quantity: quantity,
    discount: readPercent(field('discount_percent'), discountPercent),
  };
}

/** The message of a line, which is the same for quotes and orders. */
export function toLineMessage({ productId, quantity, discount, unitPrice, title }: PricedLine): LineMessage {
  return {
    product: nameOf('product', productId),
    quantity,
    discountPercent: toPercentMessage(discount),
    unitPrice: toMoneyMessage(unitPrice),
    title,
  };
}

/** The message of a percentage; missing for 0. */
export function toPercentMessage(percent: Percent): Decimal | undefined {
  return percent.tenThousandths === 0n ? undefined : { value: formatPercent(percent) };
}

/** Reads a percentage; a missing one is 0. */
export function readPercent(report: ReportFault, message: Decimal | undefined): Percent {
  if (message === undefined) return ZERO_PERCENT;
  const percent = parsePercent(message.value);
  if (percent === undefined)
    report(`must be from 0 to 100 with at most 4 decimals, such as 12.5; it is "${message.value}"`);
  return percent ?? ZERO_PERCENT;
}

/** Passes the present day to readers that need it. */
export function withToday({ today }: Pick<Ports, 'today'>) {
  return <Request, Read>(read: (request: Request, field: FieldAt, today: CalendarDate) => Read) =>
    (request: Request, field: FieldAt) =>
      read(request, field, today());
}

const DAY_MS = 86_400_000;

/** The day a number of days after another one. */
export function dayAfter(date: CalendarDate, days: number): CalendarDate {
  return dateAt(new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS));
}

/** Reads a day that has begun somewhere: not after tomorrow in UTC, as east of Greenwich that day begins before. */
export function readPastDate(
  report: ReportFault,
  message: DateMessage | undefined,
  today: CalendarDate,
): CalendarDate | undefined {
  const date = readDate(report, message);
  const last = dayAfter(today, 1);
  if (date !== undefined && date > last) report(`must not be after ${last}, the day after today in UTC; it is ${date}`);
  return date;
}
