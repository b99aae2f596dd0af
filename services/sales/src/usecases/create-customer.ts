import type { Customer, CustomerDraft } from '../domain/customer.js';
import type { Ports } from '../domain/ports.js';
import type { RequestKey } from '../domain/request-key.js';
import { found } from './found.js';

/** Adds a customer, once for a key. @throws EmailTaken, RequestIdReused */
export function createCustomer(
  { transact, newId }: Pick<Ports, 'transact' | 'newId'>,
  draft: CustomerDraft,
  key: RequestKey | undefined,
): Promise<Customer> {
  return transact(async ({ customers, requests }) => {
    const id = newId();
    const first = await requests.claim(key, id);
    if (first === undefined) return customers.add({ ...draft, id });
    return found('customer', first, await customers.find(first));
  });
}
