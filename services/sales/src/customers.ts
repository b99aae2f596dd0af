import { Customer, CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { defineResource, ownedBy, type ResourceContext, standardMethods } from '@rondo/resources';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';

/** Who sees a customer, its quotes and its orders: its salesperson, and administrators. */
export const SALESPERSON = ownedBy('salesperson', { scope: 'sales.admin' });

/** Customers: the buyers. Each belongs to a salesperson. */
export const customers = defineResource(Customer, {
  table: 'customers',
  filter: ['displayName', 'email', 'salesperson', 'createTime'],
  sort: ['createTime', 'displayName'],
  unique: { customers_email_key: { email: 'e-mail address' } },
  visibleTo: SALESPERSON,
});

/** Implements `sales.v1.CustomerService`. */
export const customerService = (context: ResourceContext): ServiceImplementation =>
  implement(CustomerServiceDefinition, standardMethods(CustomerServiceDefinition, customers, context));
