import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { nextPageToken, readList } from '@rondo/resources';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import type { Customer } from '../domain/customer.js';
import type { Ports } from '../domain/ports.js';
import { createCustomer } from '../usecases/create-customer.js';
import { deleteResource, type Target, undeleteResource } from '../usecases/delete-resource.js';
import { getCustomer } from '../usecases/get-customer.js';
import { listCustomers } from '../usecases/list-customers.js';
import { updateCustomer } from '../usecases/update-customer.js';
import { CUSTOMERS, readCreate, readDelete, readUpdate, toCustomerMessage } from './customer-message.js';
import { answered } from './errors.js';
import { requireName } from './names.js';

const CUSTOMER: Target<Customer> = { kind: 'customer', storeOf: ({ customers }) => customers };

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
      const { items, next } = await answered(
        listCustomers(
          ports,
          validate((field) => readList(field, CUSTOMERS, request)),
        ),
      );
      return { customers: items.map(toCustomerMessage), nextPageToken: nextPageToken(CUSTOMERS, request, next) };
    },
    async updateCustomer(request) {
      return toCustomerMessage(await answered(updateCustomer(ports, readUpdate(request))));
    },
    async deleteCustomer(request) {
      return toCustomerMessage(await answered(deleteResource(ports, CUSTOMER, readDelete(request))));
    },
    async undeleteCustomer({ name }) {
      return toCustomerMessage(await answered(undeleteResource(ports, CUSTOMER, requireName('customer', name))));
    },
  });
}
