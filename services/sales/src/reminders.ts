import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import type { Queries } from '@rondo/database';
import type { Jobs } from '@rondo/jobs';
import type { CalendarDate } from '@rondo/resources/domain';
import { type SalesMethods, todayBy } from './context.js';
import { dayAfter } from './domain/quote.js';

/** What {@link moveReminder} needs. */
export interface ReminderMethods extends Pick<SalesMethods, 'now'> {
  readonly jobs: Pick<Jobs, 'enqueue' | 'cancel'>;
}

/** The last day of a quote before and after a change; undefined while it can't be accepted, and if it doesn't expire. */
interface Move {
  readonly name: string;
  readonly from?: CalendarDate | undefined;
  readonly to?: CalendarDate | undefined;
}

const { remindOwner } = QuoteServiceDefinition.methods;

/** Sets, moves or cancels the reminder of a quote: a job whose key is the quote's name. There is none once its day is over. */
export async function moveReminder(methods: ReminderMethods, tx: Queries, { name, from, to }: Move): Promise<void> {
  if (from === to) return;
  const day = to === undefined ? undefined : dayAfter(to, -1);
  if (day === undefined || day < todayBy(methods)) await methods.jobs.cancel(tx, remindOwner, name);
  else await methods.jobs.enqueue(tx, remindOwner, { request: { name }, key: name, at: new Date(`${day}T08:00:00Z`) });
}
