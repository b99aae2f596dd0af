import type { DateMessage } from '@rondo/contracts/google/type/date';
import { type ResourceContext, readDate } from '@rondo/resources';
import { type CalendarDate, dateAt } from '@rondo/resources/domain';
import type { FieldAt } from '@rondo/rpc/status';
import type { Calculator } from './domain/pricing.js';
import { dayAfter } from './domain/quote.js';

/** What the methods of all resources of this service work with. */
export interface SalesMethods extends ResourceContext {
  readonly sync: NonNullable<ResourceContext['sync']>;
  readonly calculator: Calculator;
  readonly now: () => Date;
}

/** The present day in UTC. */
export const todayBy = ({ now }: Pick<SalesMethods, 'now'>): CalendarDate => dateAt(now());

/** The day of a checked message. */
export const dayOf = (message: DateMessage | undefined): CalendarDate | undefined => readDate(() => undefined, message);

/** Reports a day that hasn't begun anywhere: after tomorrow in UTC, as east of Greenwich that day begins before. */
export function checkBegun(
  field: FieldAt,
  path: string,
  { day, today }: { readonly day: CalendarDate | undefined; readonly today: CalendarDate },
): void {
  const last = dayAfter(today, 1);
  if (day !== undefined && day > last)
    field(path)(`must not be after ${last}, the day after today in UTC; it is ${day}`);
}
