import {
  DomainError,
  InvalidRequest,
  MAX_NAMED,
  Refused,
  Unavailable,
  type Violation,
  WrongState,
} from '@rondo/resources/domain';

/** A quote that isn't open can't be changed. */
export class WrongQuoteState extends WrongState {
  constructor(quote: string, state: string) {
    super(quote, `${quote} is ${state}, and only an OPEN quote can be changed; make another quote`);
  }
}

/** A quote can't be accepted after its last day. */
export class QuoteExpired extends WrongState {
  constructor(quote: string, validUntil: string) {
    super(quote, `${quote} was valid until ${validUntil}; extend it with UpdateQuote, or create another quote`);
  }
}

/** The last day of a quote is before its first. */
export class ValidBeforeQuote extends InvalidRequest {
  constructor(validUntil: string, quoteDate: string) {
    const description = `must not be before quote_date, ${quoteDate}; it is ${validUntil}`;
    super([{ field: 'quote.valid_until_date', description }]);
  }
}

/** An order can't be cancelled while its quote is still accepting. */
export class QuoteAccepting extends WrongState {
  constructor(quote: string) {
    super(quote, `${quote} is ACCEPTING: its order can be cancelled once it is ACCEPTED; try again soon`);
  }
}

/** A quote whose order was cancelled can't be accepted again. */
export class QuoteCancelled extends WrongState {
  constructor(quote: string, order: string) {
    super(quote, `${quote} was accepted, and ${order} has been cancelled since; create another quote`);
  }
}

/** The order date is before the quote date. */
export class OrderBeforeQuote extends InvalidRequest {
  constructor(quote: string, { orderDate, quoteDate }: { readonly orderDate: string; readonly quoteDate: string }) {
    const description = `must not be before the day of ${quote}, ${quoteDate}; it is ${orderDate}`;
    super([{ field: 'order_date', description }]);
  }
}

/** A product whose stock is too small. */
export interface Shortage {
  /** Its name. */
  readonly product: string;
  readonly available: bigint;
  readonly needed: bigint;
}

/** The stock is too small; nothing was taken. The error names at most {@link MAX_NAMED} products. */
export class InsufficientStock extends Refused {
  override readonly violations: readonly Violation[];

  constructor(shortages: readonly Shortage[]) {
    const violations = shortages.slice(0, MAX_NAMED).map(toViolation);
    const named = violations.map(({ description }) => description).join('; ');
    const more = shortages.length > MAX_NAMED ? ` and ${shortages.length - MAX_NAMED} more` : '';
    super(`the stock is too small and nothing was taken: ${named}${more}; ask for less, or add stock with AdjustStock`);
    this.violations = violations;
  }
}

function toViolation({ product, available, needed }: Shortage): Violation {
  return {
    type: 'STOCK',
    subject: product,
    description: `${product} has ${available} in stock, but ${needed} are needed`,
  };
}

/** The stock would exceed its limit; nothing was added. */
export class StockLimitExceeded extends WrongState {
  override readonly rule = 'STOCK';

  constructor(product: string, { stock, limit }: { readonly stock: bigint; readonly limit: bigint }) {
    super(product, `${product} would have ${stock} in stock; the limit is ${limit}, so add less`);
  }
}

/** A line whose currency isn't that of the first line. */
export interface ForeignLine {
  readonly index: number;
  readonly productId: string;
  readonly currency: string;
}

/** The lines are in different currencies. */
export class MixedCurrencies extends InvalidRequest {
  /**
   * @param of what has the lines.
   * @param expected the currency of the first line.
   */
  constructor(of: 'quote' | 'order', lines: readonly ForeignLine[], expected: string) {
    const remedy = `the first line in ${expected}; make one ${of} per currency`;
    super(
      lines.map(({ index, productId, currency }) => ({
        field: `${of}.lines[${index}].product`,
        description: `products/${productId} is sold in ${currency}, ${remedy}`,
      })),
    );
  }
}

/** The effort to deliver lines of a quote doesn't fit into a task of project management each. */
export class TooMuchEffort extends InvalidRequest {
  constructor(lines: readonly { readonly index: number; readonly minutes: bigint }[], limit: bigint) {
    super(
      lines.slice(0, MAX_NAMED).map(({ index, minutes }) => ({
        field: `quote.lines[${index}].quantity`,
        description: `takes ${minutes} minutes to deliver, and one line may take ${limit}; split it into several lines`,
      })),
    );
  }
}

/** The total doesn't fit into `google.type.Money`. */
export class TotalOutOfRange extends DomainError {
  constructor(total: string) {
    super(`the total would be ${total}, more than an amount can hold; ask for less at once`);
  }
}

/** The services on which this one depends. */
export type Peer = 'the calculator' | 'project management';

/** Another service can't be reached, or doesn't reply in time. It writes its message for callers, so that is passed on. */
export class PeerUnavailable extends Unavailable {
  constructor(peer: Peer, cause: Error) {
    super(`${peer} is unavailable, try again later: ${cause.message}`, { cause });
  }
}

/** Project management refused the delivery, for example because the team has too little time; nothing was done. */
export class DeliveryRefused extends DomainError {
  override readonly cause: Error;

  constructor(quote: string, cause: Error) {
    super(`${quote} can't be delivered, and nothing was done: ${cause.message}`, { cause });
    this.cause = cause;
  }
}

/** The quote was changed or accepted after its delivery was planned; nothing was done. */
export class QuoteMoved extends DomainError {
  constructor(quote: string) {
    super(`${quote} was changed or accepted at the same moment; try again`);
  }
}
