import { type CalendarDate, dateAt } from '@rondo/resources/domain';
import { OrderBeforeQuote, QuoteExpired, ValidBeforeQuote } from './errors.js';

/** The days of a quote. */
interface QuoteDays {
  readonly quoteDate: CalendarDate;
  /** The last day on which it can be accepted; undefined if it doesn't expire. */
  readonly validUntil: CalendarDate | undefined;
}

/** Checks the days of a quote. @throws ValidBeforeQuote */
export function requireValidPeriod({ quoteDate, validUntil }: QuoteDays): void {
  if (validUntil !== undefined && validUntil < quoteDate) throw new ValidBeforeQuote(validUntil, quoteDate);
}

/** The day of an order, and the present one in UTC. */
interface OrderDays {
  readonly orderDate: CalendarDate;
  readonly today: CalendarDate;
}

/**
 * Checks that a quote can be accepted on the day of the order. An order may have an earlier day, but none is made when the
 * last day is over everywhere: the day before the present one in UTC lasts longest west of Greenwich.
 *
 * @throws QuoteExpired, OrderBeforeQuote
 */
export function requireAcceptable(quote: string, days: QuoteDays, { orderDate, today }: OrderDays): void {
  const { quoteDate, validUntil } = days;
  if (validUntil !== undefined && (orderDate > validUntil || dayAfter(today, -1) > validUntil)) {
    throw new QuoteExpired(quote, validUntil);
  }
  if (orderDate < quoteDate) throw new OrderBeforeQuote(quote, { orderDate, quoteDate });
}

const DAY_MS = 86_400_000;

/** The day a number of days after another one. */
export function dayAfter(date: CalendarDate, days: number): CalendarDate {
  return dateAt(new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS));
}
