import type { Customer } from '../domain/customer.js';
import type { ListQuery, Page } from '../domain/list.js';
import type { Ports } from '../domain/ports.js';

/** A page of the customers, the newest first. */
export function listCustomers({ stores }: Pick<Ports, 'stores'>, query: ListQuery): Promise<Page<Customer>> {
  return stores.customers.list(query);
}
