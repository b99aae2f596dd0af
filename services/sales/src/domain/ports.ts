import type { CalendarDate } from './calendar-date.js';
import type { Customer, CustomerDraft } from './customer.js';
import type { DeliveryPlan } from './delivery.js';
import type { Shortage } from './errors.js';
import type { ListQuery, Page } from './list.js';
import type { Order, OrderDraft } from './order.js';
import type { Product, ProductDraft, ProductFields } from './product.js';
import type { PricedQuote, Quote } from './quote.js';
import type { KeyedCall } from './request-id.js';
import type { Deletable } from './stored.js';

/** What every store can be asked for. */
export interface Reader<T> {
  /** Also where it is deleted. */
  find(id: string): Promise<T | undefined>;
  /** The newest first. */
  list(query: ListQuery): Promise<Page<T>>;
  /** As `find`, and kept from changing until the transaction ends. */
  lock(id: string): Promise<T | undefined>;
}

/** Deletes and brings back what is locked. */
export interface Deleter<T extends Deletable> {
  delete(id: string): Promise<T>;
  /** @throws EmailTaken, SkuTaken where another has taken its place. */
  undelete(id: string): Promise<T>;
}

/** How things were when calls with a key were answered first; the key is claimed before. */
export interface Answers<T> {
  /** Keeps what was made as it is now. */
  keepAnswer(call: KeyedCall): Promise<void>;
  firstAnswer(call: KeyedCall): Promise<T>;
}

/** Keeps customers. */
export interface CustomerStore extends Reader<Customer>, Deleter<Customer>, Answers<Customer> {
  /** @throws EmailTaken where another customer has the e-mail address. */
  add(customer: CustomerDraft & { readonly id: string }): Promise<Customer>;
  /** Changes one that is locked. @throws EmailTaken */
  update(id: string, fields: Partial<CustomerDraft>): Promise<Customer>;
}

/** Keeps products. */
export interface ProductStore extends Reader<Product>, Deleter<Product>, Answers<Product> {
  /** @throws SkuTaken where another product has the SKU. */
  add(product: ProductDraft & { readonly id: string }): Promise<Product>;
  /** Changes one that is locked. @throws SkuTaken */
  update(id: string, fields: Partial<ProductFields>): Promise<Product>;
  /** Those that are there, deleted ones as well, in no order. */
  findAll(ids: readonly string[]): Promise<readonly Product[]>;
  /**
   * Those that are there, kept from changing until the transaction ends. However many transactions lock however many
   * products at once, none waits for another in a circle.
   */
  lockAll(ids: readonly string[]): Promise<readonly Product[]>;
  /** Stores the stock of products that are locked. */
  saveStock(products: readonly Product[]): Promise<void>;
}

/** Keeps quotes. */
export interface QuoteStore extends Reader<Quote>, Deleter<Quote>, Answers<Quote> {
  add(quote: PricedQuote): Promise<Quote>;
  /** Replaces what one that is locked offers. */
  replace(quote: PricedQuote): Promise<Quote>;
}

/** Keeps orders, and tells of each change of them; a quote has at most one. */
export interface OrderStore extends Reader<Order> {
  add(order: OrderDraft): Promise<Order>;
  /**
   * Adds an order without a quote and takes its stock, all at once and by itself: outside a transaction.
   *
   * @param versions of the products when they were priced.
   */
  place(order: OrderDraft, versions: ReadonlyMap<string, bigint>, call: KeyedCall | undefined): Promise<Placement>;
  /** What was placed by a call with this key, as it was then. */
  firstAnswer(call: KeyedCall): Promise<Order>;
  /** Stores which project delivers the order of a quote, once it is there. The first one stands. */
  recordProject(quoteId: string, project: string): Promise<void>;
  /** Cancels one that is locked. */
  cancel(id: string): Promise<Order>;
}

/** Which orders are watched, and from where. */
export interface OrderWatch {
  /** Those of one customer; undefined for all. */
  readonly customerId: string | undefined;
  /** That of the last event; empty for a snapshot first. */
  readonly resumeToken: string;
  readonly signal: AbortSignal;
}

/** What a watcher of orders is told. */
export type OrderEvent =
  | {
      readonly kind: 'snapshot';
      readonly orders: readonly Order[];
      /** Whether another part of the same snapshot follows. */
      readonly more: boolean;
      /** Empty where `more` does. */
      readonly resumeToken: string;
    }
  | { readonly kind: 'changed'; readonly order: Order; readonly resumeToken: string };

/** Tells of orders, whatever replica they change at. */
export interface OrderFeed {
  /** @throws ForeignResumeToken, WatcherTooSlow, WatchInterrupted, or the signal's reason. */
  watch(watch: OrderWatch): AsyncIterable<OrderEvent>;
}

/** What became of an order that was to be placed. Unless it is placed, nothing was done. */
export type Placement =
  | { readonly kind: 'placed'; readonly order: Order }
  | { readonly kind: 'short'; readonly shortages: readonly Shortage[] }
  /** A product was changed or deleted since it was priced, or the customer was deleted. */
  | { readonly kind: 'stale' }
  /** There is an order with the key. */
  | { readonly kind: 'repeated' };

/** Remembers calls that carried a request id. */
export interface RequestLog {
  /** Whether a call with this key was carried out. @throws RequestIdReused */
  has(call: KeyedCall): Promise<boolean>;
  /**
   * Claims the key for what has this id, with the transaction; false where an earlier call has it. Of two at the same
   * moment one waits here for the other to end.
   *
   * @throws RequestIdReused where the earlier call asked for something else.
   */
  claim(call: KeyedCall, id: string): Promise<boolean>;
}

/** What is done elsewhere once a transaction is committed: by itself, whatever process dies and however long it takes. */
export interface Afterwards {
  /** Has the project of a cancelled order archived, and what it reserved released. */
  withdraw(order: Order, project: string): Promise<void>;
}

/** Everything that is kept. */
export interface Stores {
  readonly customers: CustomerStore;
  readonly products: ProductStore;
  readonly quotes: QuoteStore;
  readonly orders: OrderStore;
  readonly requests: RequestLog;
  readonly afterwards: Afterwards;
}

/** A store of what can be deleted. */
export type DeletableStore<T extends Deletable> = Pick<Reader<T>, 'lock'> & Deleter<T>;

/**
 * Runs `work` over the stores in one transaction: all of it happens, or nothing. It may run more than once, where
 * others were in its way, so it has no other effects.
 */
export type Transact = <T>(work: (stores: Stores) => Promise<T>) => Promise<T>;

/** Computes exactly. */
export interface Calculator {
  /**
   * The value of an expression in plain notation: exact, or rounded half to even to `scale` digits.
   *
   * @throws Unavailable
   */
  evaluate(expression: string, scale?: number): Promise<string>;
}

/** Has what is sold delivered, in transactions across this service and project management. */
export interface Deliveries {
  /**
   * Makes the project of a plan, and does `work` in the transaction that decides: both, or neither. Once project
   * management has confirmed it, the project is recorded on the quote's order, by itself. `work` may run more than once.
   *
   * @throws DeliveryRefused, Unavailable, ConcurrentChange, or what `work` throws; nothing is done then, unless the
   * database went away while it decided.
   */
  deliver(plan: DeliveryPlan, work: (stores: Stores) => Promise<void>): Promise<void>;
}

/** Projects, as they are at project management. */
export interface Projects {
  /** Creates the project of a quote, or finds it where this did so before: `projects/{id}`. @throws Unavailable */
  create(plan: DeliveryPlan): Promise<string>;
  /** Archives a project, which gives back what it reserved; one that is archived or deleted stays so. @throws Unavailable */
  archive(project: string): Promise<void>;
}

/** Makes an id: unguessable, of lower-case letters, digits and hyphens. */
export type NewId = () => string;

/** Everything that the use cases reach. */
export interface Ports {
  /** Outside a transaction: for what is only read, and for what is a transaction of its own. */
  readonly stores: Stores;
  readonly transact: Transact;
  readonly calculator: Calculator;
  readonly deliveries: Deliveries;
  readonly feed: OrderFeed;
  readonly newId: NewId;
  /** The day in UTC. */
  readonly today: () => CalendarDate;
}
