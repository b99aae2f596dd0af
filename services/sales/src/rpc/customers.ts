import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { Ports } from '../domain/ports.js';
import { createCustomer } from '../usecases/create-customer.js';
import { getCustomer } from '../usecases/get-customer.js';
import { listCustomers } from '../usecases/list-customers.js';
import { readCreate, toCustomerMessage } from './customer-message.js';
import { answered } from './errors.js';
import { requireName } from './names.js';
import { readPage, toPageToken } from './pages.js';

/** `sales.v1.CustomerService`. */
export function customerService(ports: Ports): ServiceImplementation {
  return implement(CustomerServiceDefinition, {
    async createCustomer(request) {
      const { draft, key } = readCreate(request);
      return toCustomerMessage(await answered(createCustomer(ports, draft, key)));
    },
    async getCustomer({ name }) {
      return toCustomerMessage(await answered(getCustomer(ports, requireName('customer', name))));
    },
    async listCustomers(request) {
      const { items, next } = await answered(listCustomers(ports, readPage('customers', request)));
      return { customers: items.map(toCustomerMessage), nextPageToken: toPageToken('customers', next) };
    },
  });
}
