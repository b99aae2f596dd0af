import type { Customer } from '../domain/customer.js';
import type { Ports } from '../domain/ports.js';
import { found } from './found.js';

/** One customer. @throws NotFound */
export async function getCustomer({ stores }: Pick<Ports, 'stores'>, id: string): Promise<Customer> {
  return found('customer', id, await stores.customers.find(id));
}
