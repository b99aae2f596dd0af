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

/** Another customer has the e-mail address. */
export class EmailTaken extends DomainError {
  override readonly name = 'EmailTaken';

  constructor(email: string) {
    super(`another customer has the e-mail address ${email}; use that customer, or give another address`);
  }
}

/** Another product has the SKU. */
export class SkuTaken extends DomainError {
  override readonly name = 'SkuTaken';

  constructor(sku: string) {
    super(`another product has the SKU ${sku}; use that product, or give another SKU`);
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

/** A line of a quote that is of another currency than the first one. */
export interface ForeignLine {
  readonly index: number;
  readonly productId: string;
  readonly currency: string;
}

/** A quote's lines are of different currencies. */
export class MixedCurrencies extends DomainError {
  override readonly name = 'MixedCurrencies';
  readonly lines: readonly ForeignLine[];
  /** That of the first line. */
  readonly expected: string;

  constructor(lines: readonly ForeignLine[], expected: string) {
    super('all lines of a quote must be of one currency');
    this.lines = lines;
    this.expected = expected;
  }
}

/** A total is larger than `google.type.Money` can say. */
export class TotalOutOfRange extends DomainError {
  override readonly name = 'TotalOutOfRange';

  constructor(total: string) {
    super(`the total would be ${total}, more than an amount can hold; split the quote`);
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

/** The order of a quote stands, its project is missing; accepting it again goes on from there. */
export class AcceptancePending extends DomainError {
  override readonly name = 'AcceptancePending';

  constructor(quoteId: string, cause: Unavailable) {
    const quote = nameOf('quote', quoteId);
    super(
      `${quote} is ACCEPTING: its order stands and the stock is taken, its project is missing; call AcceptQuote again to finish: ${cause.message}`,
      { cause },
    );
  }
}

/** A concurrent change won, at every attempt; nothing was done. */
export class ConcurrentChange extends DomainError {
  override readonly name = 'ConcurrentChange';

  constructor(cause: Error) {
    super('others changed the same at the same moment, again and again; nothing was done, so try again', { cause });
  }
}
