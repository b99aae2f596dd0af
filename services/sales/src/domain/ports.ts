import type { CalendarDate, ResourceFeed } from '@rondo/resources/domain';
import type { OwnedKind } from './access.js';
import type { DeliveryPlan } from './delivery.js';
import type { Order, OrderStore } from './order.js';
import type { ProductStore } from './product.js';
import type { Quote, QuoteStore } from './quote.js';

/** Everything that the use cases need from outside. */
export interface Ports {
  /** The stores outside a transaction: for reads, and for statements that are a transaction of their own. */
  readonly stores: Stores;
  /** The stores for lists, which have few connections at once. */
  readonly lists: Stores;
  readonly transact: Transact;
  readonly distributedTransact: DistributedTransact;
  readonly calculator: Calculator;
  readonly feeds: Feeds;
  readonly salespersonOf: SalespersonOf;
  readonly newId: NewId;
  readonly now: () => Date;
  /** The current day in UTC. */
  readonly today: () => CalendarDate;
}

/** All stores. */
export interface Stores {
  readonly customers: Customers;
  readonly products: ProductStore;
  readonly quotes: QuoteStore;
  readonly orders: OrderStore;
  readonly outbox: Outbox;
}

/** The customers of quotes and orders. */
export interface Customers {
  /** One that isn't deleted. @throws NotFound, Deleted */
  findLive(id: string): Promise<{ readonly name: string; readonly displayName: string }>;
}

/** What is watched. */
export interface Feeds {
  readonly quotes: ResourceFeed<Quote>;
  readonly orders: ResourceFeed<Order>;
}

/**
 * Records work in the transaction that causes it. The service does that work after the commit, retries it until it
 * succeeds, and goes on after a restart.
 */
export interface Outbox {
  /** Archives the project of a cancelled order and releases the time that is reserved for it. */
  withdraw(order: Order, project: string): Promise<void>;
}

/**
 * Runs `work` over the stores in one transaction, which does all of it or nothing. `work` may run again after a
 * conflict, so it has no other effects.
 */
export type Transact = <T>(work: (stores: Stores) => Promise<T>) => Promise<T>;

/**
 * Runs `work` in a distributed transaction in which project management also creates the project of `plan`: both or
 * neither. After project management has confirmed the commit, the project is recorded on the quote's order. `work` may
 * run more than once.
 *
 * @throws DeliveryRefused, Unavailable, ConcurrentChange, or what `work` throws. If it throws, nothing was changed;
 * only if the database went away during the commit may the change have been made.
 */
export type DistributedTransact = (plan: DeliveryPlan, work: (stores: Stores) => Promise<void>) => Promise<void>;

/** Evaluates expressions exactly. */
export interface Calculator {
  /**
   * The value of an expression in plain notation: exact, or rounded half to even to `scale` digits.
   *
   * @throws Unavailable
   */
  evaluate(expression: string, scale?: number): Promise<string>;
}

/** The projects at project management. */
export interface Projects {
  /**
   * Archives a project, which releases its reservations. An archived or deleted project stays as it is.
   *
   * @throws Unavailable
   */
  archive(project: string): Promise<void>;
}

/** The salesperson of a resource, also of a deleted one; undefined if there is no such resource. */
export type SalespersonOf = (kind: OwnedKind, id: string) => Promise<string | undefined>;

/** Makes an id: unguessable, of lower-case letters, digits and hyphens. */
export type NewId = () => string;
