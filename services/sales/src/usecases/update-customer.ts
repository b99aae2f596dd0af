import type { Customer, CustomerDraft } from '../domain/customer.js';
import type { Ports } from '../domain/ports.js';
import { type ChangesSinceRead, differs, live, requireAsRead } from '../domain/stored.js';
import { found } from './found.js';

/** What of a customer is to be changed, and what it has to be like. */
export interface CustomerUpdate {
  readonly id: string;
  readonly fields: Partial<CustomerDraft>;
  readonly changes: ChangesSinceRead<Customer>;
}

/** Changes a customer; where nothing would differ, it stays as it is. @throws NotFound, Deleted, StaleEtag, EmailTaken */
export function updateCustomer(
  { transact }: Pick<Ports, 'transact'>,
  { id, fields, changes }: CustomerUpdate,
): Promise<Customer> {
  return transact(async ({ customers }) => {
    const present = live('customer', found('customer', id, await customers.lock(id)));
    requireAsRead('customer', present, changes);
    return differs(present, fields) ? customers.update(id, fields) : present;
  });
}
