import type { Transaction } from '@rondo/database';
import type { ServerCall } from '@rondo/rpc/call';
import type { ListQuery, Page } from '../domain/list.js';
import type { StoreDatabase } from '../sql/store-database.js';
import type { StatusMapping } from '../status.js';
import type { Sync } from '../sync/sync.js';
import type { Resource } from './define-resource.js';
import type { CheckFields, CreateRequest, UpdateRequest } from './requests.js';

/** What the methods of all resources of a service work with. */
export interface ResourceContext {
  /** With the audit over it, if calls are audited. */
  readonly database: StoreDatabase;
  /** For resources that are watched. */
  readonly sync?: Pick<Sync, 'watch' | 'nudge'>;
  /** The statuses of the service's errors; by default those of the kinds of errors. */
  readonly errors?: StatusMapping;
  /** Makes an id: unguessable, of lower-case letters, digits and hyphens. */
  readonly newId: () => string;
}

/** Where a hook runs: in the transaction of the call, which it may fail. It may run again after a conflict. */
export interface At {
  readonly tx: Transaction;
  readonly call: ServerCall;
}

/** Rules of one's own in the standard methods. What a `before…` returns is written, too. */
export interface Hooks<M> {
  /** Reports what is wrong with fields in a create or an update, beyond the rules of the contract. */
  readonly check?: CheckFields<M>;
  /** In place of the standard create or update, such as to ask another service before the transaction. It checks who may. */
  readonly create?: (request: CreateRequest<M>, call: ServerCall) => Promise<M>;
  readonly update?: (request: UpdateRequest<M>, call: ServerCall) => Promise<M>;
  /** Has the last word on a page of a list, such as that there is no such parent. */
  readonly afterList?: (page: Page<M>, asked: AskedPage, call: ServerCall) => Promise<Page<M>>;
  readonly beforeCreate?: (draft: Partial<M> & { readonly name: string }, at: At) => Changes<M>;
  readonly beforeUpdate?: (present: M, fields: Partial<M>, at: At) => Changes<M>;
  readonly beforeDelete?: (present: M, at: At) => Promise<void>;
  readonly beforeUndelete?: (present: M, at: At) => Promise<void>;
  /** After each write. It returns the reply. */
  readonly afterWrite?: (written: M, at: At) => Promise<M>;
}

/** Which page of a list was requested. */
export interface AskedPage {
  /** The ids of the parents; none for the resources of all parents. */
  readonly parents: readonly string[];
  readonly query: ListQuery;
}

type Changes<M> = Promise<Partial<M> | undefined>;

/** A handler of any method. */
export type Handler = (request: never, call: ServerCall) => unknown;

/** What the handlers of one resource share. */
export interface Served<M> {
  readonly resource: Resource<M>;
  readonly options: ResourceContext & Hooks<M>;
  readonly errors: StatusMapping;
}

export interface Named {
  readonly name: string;
}
