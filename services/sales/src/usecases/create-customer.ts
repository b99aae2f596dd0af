import type { Customer, CustomerDraft } from '../domain/customer.js';
import type { Ports } from '../domain/ports.js';
import { callOf, type RequestKey } from '../domain/request-key.js';
import { once } from './once.js';

/** Adds a customer, once for a key. @throws EmailTaken, RequestIdReused */
export function createCustomer(
  { transact, newId }: Pick<Ports, 'transact' | 'newId'>,
  draft: CustomerDraft,
  key: RequestKey | undefined,
): Promise<Customer> {
  return transact(({ customers, requests }) => {
    const id = newId();
    const make = () => customers.add({ ...draft, id });
    return once(requests, callOf('CreateCustomer', key), { id, answers: customers, make });
  });
}
