import { nameOf, type ResourceKind } from './names.js';

/** An error of this service's rules or of something it depends on. Each message says what is wrong and what to do. */
export abstract class DomainError extends Error {}

/** The most resources that an error names. A status must fit into a header block that every client accepts. */
const MAX_NAMED = 16;

const LISTS: Readonly<Record<ResourceKind, string>> = {
  customer: 'CustomerService/ListCustomers lists the existing customers',
  product: 'ProductService/ListProducts lists the existing products',
  quote: 'QuoteService/ListQuotes lists the existing quotes',
  order: 'OrderService/ListOrders lists the existing orders',
};

/** Resources don't exist. The error names at most {@link MAX_NAMED} of them. */
export class NotFound extends DomainError {
  override readonly name = 'NotFound';
  readonly kind: ResourceKind;
  /** The resources' names. */
  readonly resources: readonly string[];
  /** What the caller can do. */
  readonly remedy: string;

  constructor(kind: ResourceKind, ids: readonly string[]) {
    const resources = ids.slice(0, MAX_NAMED).map((id) => nameOf(kind, id));
    const verb = ids.length === 1 ? "doesn't" : "don't";
    super(`${resources.join(', ')}${andMore(ids)} ${verb} exist; ${LISTS[kind]}`);
    this.kind = kind;
    this.resources = resources;
    this.remedy = LISTS[kind];
  }
}

/** Resources are deleted. The error names at most {@link MAX_NAMED} of them. */
export class Deleted extends DomainError {
  override readonly name = 'Deleted';
  readonly resources: readonly string[];
  /** What the caller can do. */
  readonly remedy: string;

  constructor(kind: ResourceKind, ids: readonly string[]) {
    const resources = ids.slice(0, MAX_NAMED).map((id) => nameOf(kind, id));
    const remedy = `Undelete${capitalised(kind)} brings ${ids.length === 1 ? 'it' : 'them'} back`;
    super(`${resources.join(', ')}${andMore(ids)} ${ids.length === 1 ? 'is' : 'are'} deleted; ${remedy}`);
    this.resources = resources;
    this.remedy = remedy;
  }
}

/** A resource has changed since the caller read it. */
export class StaleEtag extends DomainError {
  override readonly name = 'StaleEtag';
  readonly resource: string;
  /** The names of the changed fields in the contract; empty if they have changed back. */
  readonly changed: readonly string[];

  constructor(kind: ResourceKind, id: string, changed: readonly string[]) {
    const resource = nameOf(kind, id);
    const what = changed.length === 0 ? ', and back again' : `: ${changed.join(', ')}`;
    super(`${resource} has changed since its etag was read${what}; read it again, and try again`);
    this.resource = resource;
    this.changed = changed;
  }
}

/** A quote that isn't open can't be changed. */
export class WrongQuoteState extends DomainError {
  override readonly name = 'WrongQuoteState';
  readonly resource: string;

  constructor(quoteId: string, state: string) {
    const resource = nameOf('quote', quoteId);
    super(`${resource} is ${state.toUpperCase()}, and only an OPEN quote can be changed; make another quote`);
    this.resource = resource;
  }
}

/** An order can't be cancelled while its quote is still accepting. */
export class QuoteAccepting extends DomainError {
  override readonly name = 'QuoteAccepting';
  readonly resource: string;

  constructor(quoteId: string) {
    const resource = nameOf('quote', quoteId);
    super(`${resource} is ACCEPTING: its order can be cancelled once it is ACCEPTED; try again soon`);
    this.resource = resource;
  }
}

/** The order date is before the quote date. */
export class OrderBeforeQuote extends DomainError {
  override readonly name = 'OrderBeforeQuote';

  constructor(quoteId: string, { orderDate, quoteDate }: { readonly orderDate: string; readonly quoteDate: string }) {
    super(`must not be before the day of ${nameOf('quote', quoteId)}, ${quoteDate}; it is ${orderDate}`);
  }
}

/** Another customer has the e-mail address. */
export class EmailTaken extends DomainError {
  override readonly name = 'EmailTaken';

  constructor(email?: string) {
    super(
      `another customer has the e-mail address${email === undefined ? '' : ` ${email}`}; use that customer, or give another address`,
    );
  }
}

/** Another product has the SKU. */
export class SkuTaken extends DomainError {
  override readonly name = 'SkuTaken';

  constructor(sku?: string) {
    super(`another product has the SKU${sku === undefined ? '' : ` ${sku}`}; use that product, or give another SKU`);
  }
}

/** A request id was reused for a different request. */
export class RequestIdReused extends DomainError {
  override readonly name = 'RequestIdReused';

  constructor(requestId: string) {
    super(`request_id ${requestId} was used for another request; make a new UUID for each new request`);
  }
}

/** A product whose stock is too small. */
export interface Shortage {
  readonly productId: string;
  readonly available: bigint;
  readonly needed: bigint;
}

/** The stock is too small; nothing was taken. The error names at most {@link MAX_NAMED} products. */
export class InsufficientStock extends DomainError {
  override readonly name = 'InsufficientStock';
  readonly shortages: readonly Shortage[];

  constructor(shortages: readonly Shortage[]) {
    const named = shortages.slice(0, MAX_NAMED);
    const missing = `${named.map(describeShortage).join('; ')}${andMore(shortages)}`;
    super(`the stock is too small and nothing was taken: ${missing}; ask for less, or add stock with AdjustStock`);
    this.shortages = named;
  }
}

function capitalised(kind: ResourceKind): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}

/** Says how many of `all` the error doesn't name. */
function andMore(all: readonly unknown[]): string {
  return all.length > MAX_NAMED ? ` and ${all.length - MAX_NAMED} more` : '';
}

/** A shortage in words. */
export function describeShortage({ productId, available, needed }: Shortage): string {
  return `${nameOf('product', productId)} has ${available} in stock, but ${needed} are needed`;
}

/** The stock would exceed its limit; nothing was added. */
export class StockLimitExceeded extends DomainError {
  override readonly name = 'StockLimitExceeded';
  readonly productId: string;

  constructor(productId: string, { stock, limit }: { readonly stock: bigint; readonly limit: bigint }) {
    super(`${nameOf('product', productId)} would have ${stock} in stock; the limit is ${limit}, so add less`);
    this.productId = productId;
  }
}

/** A line whose currency isn't that of the first line. */
export interface ForeignLine {
  readonly index: number;
  readonly productId: string;
  readonly currency: string;
}

/** The lines are in different currencies. */
export class MixedCurrencies extends DomainError {
  override readonly name = 'MixedCurrencies';
  /** The resource that has the lines. */
  readonly of: 'quote' | 'order';
  readonly lines: readonly ForeignLine[];
  /** The currency of the first line. */
  readonly expected: string;

  constructor(of: 'quote' | 'order', lines: readonly ForeignLine[], expected: string) {
    super(`all lines of one ${of} must be of one currency`);
    this.of = of;
    this.lines = lines;
    this.expected = expected;
  }
}

/** The total doesn't fit into `google.type.Money`. */
export class TotalOutOfRange extends DomainError {
  override readonly name = 'TotalOutOfRange';

  constructor(total: string) {
    super(`the total would be ${total}, more than an amount can hold; ask for less at once`);
  }
}

/** The dependencies of this service. */
export type Peer = 'the database' | 'the calculator' | 'project management';

/** A dependency can't be reached, or doesn't reply in time. */
export class Unavailable extends DomainError {
  override readonly name = 'Unavailable';

  constructor(peer: Peer, cause: Error) {
    // Another service writes its message for callers. The database's message names hosts and tables, so it isn't passed
    // on.
    const reason = peer === 'the database' ? '' : `: ${cause.message}`;
    super(`${peer} is unavailable, try again later${reason}`, { cause });
  }
}

/** The connection to the database broke during a commit, so the outcome of the change is unknown. */
export class OutcomeUnknown extends DomainError {
  override readonly name = 'OutcomeUnknown';

  constructor(cause: Error) {
    const remedy = 'read the resource before you repeat the change, or repeat it with the same request_id';
    super(`the connection to the database broke during a commit, and its outcome is unknown; ${remedy}`, { cause });
  }
}

/** Project management refused the delivery, for example because the team has too little time; nothing was done. */
export class DeliveryRefused extends DomainError {
  override readonly name = 'DeliveryRefused';
  override readonly cause: Error;

  constructor(quoteId: string, cause: Error) {
    super(`${nameOf('quote', quoteId)} can't be delivered, and nothing was done: ${cause.message}`, { cause });
    this.cause = cause;
  }
}

/** The quote was changed or accepted after its delivery was planned; nothing was done. */
export class QuoteMoved extends DomainError {
  override readonly name = 'QuoteMoved';

  constructor(quoteId: string) {
    super(`${nameOf('quote', quoteId)} was changed or accepted at the same moment; try again`);
  }
}

/** The resume token isn't valid for this watch. */
export class ForeignResumeToken extends DomainError {
  override readonly name = 'ForeignResumeToken';

  constructor() {
    super(
      'must be the token of an earlier message of a watch of the same orders; leave it empty to begin with a snapshot',
    );
  }
}

/** The watcher reads too slowly. If it resumes with its last token, it misses nothing. */
export class WatcherTooSlow extends DomainError {
  override readonly name = 'WatcherTooSlow';

  constructor(cause: Error) {
    super(`${cause.message}; watch again with the resume_token of the last message`, { cause });
  }
}

/** The watch can't continue on this instance. If the watcher resumes with its last token, it misses nothing. */
export class WatchInterrupted extends DomainError {
  override readonly name = 'WatchInterrupted';

  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** Concurrent changes won at every attempt; nothing was done. */
export class ConcurrentChange extends DomainError {
  override readonly name = 'ConcurrentChange';

  constructor(cause?: Error) {
    super('other calls kept changing the same resources; nothing was done, so try again', { cause });
  }
}
