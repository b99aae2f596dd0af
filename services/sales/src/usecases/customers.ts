import { type ChangedSince, differs, type ListQuery, type Page, requireUnchanged } from '@rondo/resources/domain';
import type { Customer, CustomerDraft } from '../domain/customer.js';
import { nameOf } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import { found, live } from '../domain/stored.js';

/** Creates a customer. The transaction has the reply, which repetitions of the call get. @throws EmailTaken */
export function createCustomer<R>(
  { transact, newId }: Pick<Ports, 'transact' | 'newId'>,
  draft: CustomerDraft,
  toReply: (customer: Customer) => R,
): Promise<R> {
  return transact(async ({ customers }) => toReply(await customers.add({ ...draft, id: newId() })));
}

/** One customer. @throws NotFound */
export async function getCustomer({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Customer> {
  return found('customer', id, await stores.customers.find(id));
}

/** One page of the customers, the newest first. */
export function listCustomers({ lists }: Pick<Ports, 'lists'>, query: ListQuery): Promise<Page<Customer>> {
  return lists.customers.list(query);
}

/** The fields to change, and the etag to check. */
export interface CustomerUpdate {
  readonly id: string;
  readonly fields: Partial<CustomerDraft>;
  readonly changedSince: ChangedSince<Customer>;
}

/** Changes a customer. If nothing would differ, it isn't written. @throws NotFound, Deleted, StaleEtag, EmailTaken */
export function updateCustomer(
  { transact }: Pick<Ports, 'transact'>,
  { id, fields, changedSince }: CustomerUpdate,
): Promise<Customer> {
  return transact(async ({ customers }) => {
    const present = live('customer', found('customer', id, await customers.lock(id)));
    requireUnchanged(nameOf('customer', id), present, changedSince);
    return differs(present, fields) ? customers.update(id, fields) : present;
  });
}
