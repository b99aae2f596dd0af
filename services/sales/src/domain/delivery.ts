import type { Customer } from './customer.js';
import type { OfferLine } from './offer.js';
import type { Quote } from './quote.js';

/** The project that project management is to create for a quote. */
export interface DeliveryPlan {
  readonly quoteId: string;
  readonly title: string;
  readonly tasks: readonly DeliveryTask[];
}

/** The work for one line of the quote. */
export interface DeliveryTask {
  readonly title: string;
  readonly effortMinutes: bigint;
}

/** The limits of project management's contract, for titles and for the effort of a task. */
const MAX_TITLE_CHARACTERS = 200;
const MAX_TASK_EFFORT_MINUTES = 10_000_000n;

/** Plans the delivery of a quote: one task per line. */
export function planDelivery(quote: Quote, customer: Customer): DeliveryPlan {
  return {
    quoteId: quote.id,
    title: shorten(`Quote ${quote.id} for ${customer.displayName}`),
    tasks: quote.lines.map(taskOf),
  };
}

function taskOf({ quantity, title, deliveryEffortMinutes }: OfferLine): DeliveryTask {
  const effortMinutes = deliveryEffortMinutes * quantity;
  return {
    title: shorten(`${quantity} × ${title}`),
    effortMinutes: effortMinutes > MAX_TASK_EFFORT_MINUTES ? MAX_TASK_EFFORT_MINUTES : effortMinutes,
  };
}

/** Shortens by code points, the unit in which PostgreSQL and the contracts count, so that no character is split. */
function shorten(title: string): string {
  const characters = [...title];
  return characters.length <= MAX_TITLE_CHARACTERS
    ? title
    : `${characters.slice(0, MAX_TITLE_CHARACTERS - 1).join('')}…`;
}
