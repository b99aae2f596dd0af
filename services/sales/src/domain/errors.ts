import { nameOf, type ResourceKind } from './names.js';

/** What the rules of this service refuse, or can't carry out now. Each message says what is wrong and what to do. */
export abstract class DomainError extends Error {}

/** How many resources an error names: a status has to fit into a header block that every client takes. */
const MAX_NAMED = 16;

const LISTS: Readonly<Record<ResourceKind, string>> = {
  customer: 'CustomerService/ListCustomers lists those that do',
  product: 'ProductService/ListProducts lists those that do',
  quote: 'QuoteService/ListQuotes lists those that do',
  order: 'OrderService/ListOrders lists those that do',
};

/** Resources that aren't there; of many, the first. */
export class NotFound extends DomainError {
  override readonly name = 'NotFound';
  readonly kind: ResourceKind;
  /** The resources' names. */
  readonly resources: readonly string[];
  /** What to do. */
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

/** Resources that were deleted; of many, the first. */
export class Deleted extends DomainError {
  override readonly name = 'Deleted';
  readonly resources: readonly string[];
  /** What to do. */
  readonly remedy: string;

  constructor(kind: ResourceKind, ids: readonly string[]) {
    const resources = ids.slice(0, MAX_NAMED).map((id) => nameOf(kind, id));
    const remedy = `Undelete${capitalised(kind)} brings ${ids.length === 1 ? 'it' : 'them'} back`;
    super(`${resources.join(', ')}${andMore(ids)} ${ids.length === 1 ? 'is' : 'are'} deleted; ${remedy}`);
    this.resources = resources;
    this.remedy = remedy;
  }
}

/** Something has changed since its caller has read it. */
export class StaleEtag extends DomainError {
  override readonly name = 'StaleEtag';
  readonly resource: string;
  /** The fields that have changed, as the contract spells them; none where they are as they were, after all. */
  readonly changed: readonly string[];

  constructor(kind: ResourceKind, id: string, changed: readonly string[]) {
    const resource = nameOf(kind, id);
    const what = changed.length === 0 ? ', and back again' : `: ${changed.join(', ')}`;
    super(`${resource} has changed since its etag was read${what}; read it again, and try again`);
    this.resource = resource;
    this.changed = changed;
  }
}

/** A quote that isn't open can't be changed any more. */
export class WrongQuoteState extends DomainError {
  override readonly name = 'WrongQuoteState';
  readonly resource: string;

  constructor(quoteId: string, state: string) {
    const resource = nameOf('quote', quoteId);
    super(`${resource} is ${state.toUpperCase()}, and only an OPEN quote can be changed; make another quote`);
    this.resource = resource;
  }
}

/** The order of a quote that is still being accepted can't be cancelled. */
export class QuoteAccepting extends DomainError {
  override readonly name = 'QuoteAccepting';
  readonly resource: string;

  constructor(quoteId: string) {
    const resource = nameOf('quote', quoteId);
    super(`${resource} is ACCEPTING: its order can be cancelled once it is ACCEPTED; try again soon`);
    this.resource = resource;
  }
}

/** An order would be older than its quote. */
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

/** A request id came again with another request. */
export class RequestIdReused extends DomainError {
  override readonly name = 'RequestIdReused';

  constructor(requestId: string) {
    super(`request_id ${requestId} was used for another request; make a new UUID for each new request`);
  }
}

/** How much of a product is missing. */
export interface Shortage {
  readonly productId: string;
  readonly available: bigint;
  readonly needed: bigint;
}

/** More is wanted than is there, of many products the first; nothing was taken. */
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

/** How many of `all` an error doesn't name. */
function andMore(all: readonly unknown[]): string {
  return all.length > MAX_NAMED ? ` and ${all.length - MAX_NAMED} more` : '';
}

/** A shortage in words. */
export function describeShortage({ productId, available, needed }: Shortage): string {
  return `${nameOf('product', productId)} has ${available} where ${needed} are needed`;
}

/** More of a product would be there than can be; nothing was added. */
export class StockLimitExceeded extends DomainError {
  override readonly name = 'StockLimitExceeded';
  readonly productId: string;

  constructor(productId: string, { stock, limit }: { readonly stock: bigint; readonly limit: bigint }) {
    super(`${nameOf('product', productId)} would have ${stock} in stock; at most ${limit} can be there, so add less`);
    this.productId = productId;
  }
}

/** A line that is of another currency than the first one. */
export interface ForeignLine {
  readonly index: number;
  readonly productId: string;
  readonly currency: string;
}

/** Lines are of different currencies. */
export class MixedCurrencies extends DomainError {
  override readonly name = 'MixedCurrencies';
  /** What the lines are of. */
  readonly of: 'quote' | 'order';
  readonly lines: readonly ForeignLine[];
  /** That of the first line. */
  readonly expected: string;

  constructor(of: 'quote' | 'order', lines: readonly ForeignLine[], expected: string) {
    super(`all lines of one ${of} must be of one currency`);
    this.of = of;
    this.lines = lines;
    this.expected = expected;
  }
}

/** A total is larger than `google.type.Money` can say. */
export class TotalOutOfRange extends DomainError {
  override readonly name = 'TotalOutOfRange';

  constructor(total: string) {
    super(`the total would be ${total}, more than an amount can hold; ask for less at once`);
  }
}

/** What this service needs to do its work. */
export type Peer = 'the database' | 'the calculator' | 'project management';

/** Something that this service needs can't be reached now, or doesn't answer. */
export class Unavailable extends DomainError {
  override readonly name = 'Unavailable';

  constructor(peer: Peer, cause: Error) {
    // What another service says is for its callers; what the database says names hosts and tables, and stays inside.
    const reason = peer === 'the database' ? '' : `: ${cause.message}`;
    super(`${peer} is unavailable, try again later${reason}`, { cause });
  }
}

/** The database went away at the one moment at which nobody can say what became of a change. */
export class OutcomeUnknown extends DomainError {
  override readonly name = 'OutcomeUnknown';

  constructor(cause: Error) {
    const remedy = 'look before you repeat it, or repeat it with the same request_id';
    super(`the database went away while a change was being saved, and whether it was is unknown; ${remedy}`, { cause });
  }
}

/** Project management can't deliver what is sold, such as for lack of time; nothing was done. */
export class DeliveryRefused extends DomainError {
  override readonly name = 'DeliveryRefused';
  override readonly cause: Error;

  constructor(quoteId: string, cause: Error) {
    super(`${nameOf('quote', quoteId)} can't be delivered, and nothing was done: ${cause.message}`, { cause });
    this.cause = cause;
  }
}

/** A quote has changed since its delivery was planned, or was accepted; nothing was done. */
export class QuoteMoved extends DomainError {
  override readonly name = 'QuoteMoved';

  constructor(quoteId: string) {
    super(`${nameOf('quote', quoteId)} was changed or accepted at the same moment; try again`);
  }
}

/** A resume token is none of this watch's. */
export class ForeignResumeToken extends DomainError {
  override readonly name = 'ForeignResumeToken';

  constructor() {
    super('must be that of an earlier message of a watch of the same orders; leave it empty to begin with all orders');
  }
}

/** A watcher reads too slowly to be kept up with; from its last token it misses nothing. */
export class WatcherTooSlow extends DomainError {
  override readonly name = 'WatcherTooSlow';

  constructor(cause: Error) {
    super(`${cause.message}; watch again with the resume_token of the last message`, { cause });
  }
}

/** A watch can't go on here for now; from its last token it misses nothing. */
export class WatchInterrupted extends DomainError {
  override readonly name = 'WatchInterrupted';

  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** A concurrent change won, at every attempt; nothing was done. */
export class ConcurrentChange extends DomainError {
  override readonly name = 'ConcurrentChange';

  constructor(cause?: Error) {
    super(
      'others are changing the same at this moment and were in the way for too long; nothing was done, so try again',
      { cause },
    );
  }
}
