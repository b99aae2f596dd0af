import type { Customer } from '../domain/customer.js';
import type { Page, PageQuery } from '../domain/page.js';
import type { Ports } from '../domain/ports.js';

/** A page of the customers, the newest first. */
export function listCustomers({ stores }: Pick<Ports, 'stores'>, query: PageQuery): Promise<Page<Customer>> {
  return stores.customers.list(query);
}
