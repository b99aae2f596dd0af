import { Customer, CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { defineResource, ownedBy, type ResourceContext, standardMethods } from '@rondo/resources';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { ADMIN_SCOPE } from './domain/access.js';

/** Customers: the buyers. Each belongs to a salesperson. */
export const customers = defineResource(Customer, {
  table: 'customers',
  filter: ['displayName', 'email', 'salesperson', 'createTime'],
  sort: ['createTime', 'displayName'],
  unique: { customers_email_key: { email: 'e-mail address' } },
  visibleTo: ownedBy('salesperson', { scope: ADMIN_SCOPE }),
});

/** Implements `sales.v1.CustomerService`. */
export const customerService = (context: ResourceContext): ServiceImplementation =>
  implement(CustomerServiceDefinition, standardMethods(CustomerServiceDefinition, customers, context));
