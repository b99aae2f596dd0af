import type { Customer, CustomerDraft } from './customer.js';
import type { DeliveryPlan } from './delivery.js';
import type { Order, OrderDraft } from './order.js';
import type { Page, PageQuery } from './page.js';
import type { Product, ProductDraft } from './product.js';
import type { PricedQuote, Quote } from './quote.js';
import type { RequestKey } from './request-key.js';

/** What every store can be asked for. */
export interface Reader<T> {
  find(id: string): Promise<T | undefined>;
  /** The newest first. */
  list(query: PageQuery): Promise<Page<T>>;
}

/** Keeps customers. */
export interface CustomerStore extends Reader<Customer> {
  /** @throws EmailTaken where another customer has the e-mail address. */
  add(customer: CustomerDraft & { readonly id: string }): Promise<Customer>;
}

/** Keeps products. */
export interface ProductStore extends Reader<Product> {
  /** @throws SkuTaken where another product has the SKU. */
  add(product: ProductDraft & { readonly id: string }): Promise<Product>;
  /** Those that are there, in no order. */
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
export interface QuoteStore extends Reader<Quote> {
  add(quote: PricedQuote): Promise<Quote>;
  /** As `find`, and kept from being accepted by another transaction until this one ends. */
  lock(id: string): Promise<Quote | undefined>;
}

/** Keeps orders; a quote has at most one. */
export interface OrderStore extends Reader<Order> {
  add(order: OrderDraft): Promise<Order>;
  /** Stores which project delivers an order. The first one stands. */
  recordProject(id: string, project: string): Promise<Order>;
}

/** Remembers calls that carried a request id, and what came of them. */
export interface RequestLog {
  /** What came of the first call with this key; undefined where there was none. @throws RequestIdReused */
  recall(key: RequestKey): Promise<string | undefined>;
  /**
   * Remembers `outcome` with the transaction, and is undefined; or is what came of an earlier call with this key. Of two
   * at the same moment one waits here for the other to end. Without a key there is nothing to remember.
   *
   * @throws RequestIdReused where the earlier call asked for something else.
   */
  claim(key: RequestKey | undefined, outcome: string): Promise<string | undefined>;
}

/** Everything that is kept. */
export interface Stores {
  readonly customers: CustomerStore;
  readonly products: ProductStore;
  readonly quotes: QuoteStore;
  readonly orders: OrderStore;
  readonly requests: RequestLog;
}

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

/** Delivers what was sold. */
export interface Projects {
  /** Creates the project of a quote, or finds it where it is there already: `projects/{id}`. @throws Unavailable */
  create(plan: DeliveryPlan): Promise<string>;
}

/** Makes an id: unguessable, of lower-case letters, digits and hyphens. */
export type NewId = () => string;

/** Everything that the use cases reach. */
export interface Ports {
  /** Outside a transaction: for what is only read. */
  readonly stores: Stores;
  readonly transact: Transact;
  readonly calculator: Calculator;
  readonly projects: Projects;
  readonly newId: NewId;
}
