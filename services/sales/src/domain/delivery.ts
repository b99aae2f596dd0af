import { TooMuchEffort } from './errors.js';
import type { OfferLine } from './offer.js';

/** The project that project management is to create for a quote. */
export interface DeliveryPlan {
  readonly quoteId: string;
  /** The order that the quote becomes. */
  readonly orderId: string;
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

/** A quote with its lines. */
interface Offered {
  readonly id: string;
  readonly lines: readonly OfferLine[];
}

/** Plans the delivery of a quote: one task per line. */
export function planDelivery(
  quote: Offered,
  customer: { readonly displayName: string },
  orderId: string,
): DeliveryPlan {
  return {
    quoteId: quote.id,
    orderId,
    title: shorten(`Quote ${quote.id} for ${customer.displayName}`),
    tasks: quote.lines.map(taskOf),
  };
}

function taskOf(line: OfferLine): DeliveryTask {
  return { title: shorten(`${line.quantity} × ${line.title}`), effortMinutes: effortOf(line) };
}

const effortOf = ({ quantity, deliveryEffortMinutes }: OfferLine): bigint => deliveryEffortMinutes * quantity;

/** Checks that the effort of each line fits into a task. @throws TooMuchEffort */
export function requireDeliverable(lines: readonly OfferLine[]): void {
  const efforts = lines.map((line, index) => ({ index, minutes: effortOf(line) }));
  const excessive = efforts.filter(({ minutes }) => minutes > MAX_TASK_EFFORT_MINUTES);
  if (excessive.length > 0) throw new TooMuchEffort(excessive, MAX_TASK_EFFORT_MINUTES);
}

/** Shortens by code points, the unit in which PostgreSQL and the contracts count, so that no character is split. */
function shorten(title: string): string {
  const characters = [...title];
  return characters.length <= MAX_TITLE_CHARACTERS
    ? title
    : `${characters.slice(0, MAX_TITLE_CHARACTERS - 1).join('')}…`;
}
