import { CustomerServiceDefinition, type CreateCustomerRequest, Customer as CustomerMessage, type DeleteCustomerRequest, type UpdateCustomerRequest } from '@rondo/contracts/sales/v1/customers';
import { nextPageToken, readList, type Etagged, etagOf, type List, readEtag, readRequestKey, readUpdateMask } from '@rondo/resources';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { validate, checked } from '@rondo/rpc/status';
import type { Customer, CustomerDraft } from '../domain/customer.js';
import type { Ports } from '../domain/ports.js';
import { createCustomer, getCustomer, listCustomers, updateCustomer, type CustomerUpdate } from '../usecases/customers.js';
import { deleteResource, type Target, undeleteResource } from '../usecases/delete-resource.js';
import { answered } from './errors.js';
import { requireName, readName } from './names.js';
import { nameOf } from '../domain/names.js';
import type { RequestKey } from '../domain/request-id.js';
import { emailFault, titleFault } from '../domain/rules.js';
import type { ChangesSinceRead } from '../domain/stored.js';

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

/** Customers, as they are listed. */
const CUSTOMERS: List = {
  collection: 'customers',
  fields: { display_name: { kind: 'text' }, email: { kind: 'text' }, create_time: { kind: 'timestamp' } },
};

/** What `CreateCustomer` asks for. @throws RpcError `INVALID_ARGUMENT` */
function readCreate({ customer = CustomerMessage.fromPartial({}), requestId }: CreateCustomerRequest): {
  readonly draft: CustomerDraft;
  readonly key: RequestKey | undefined;
} {
  return validate((field) => {
    const draft = {
      displayName: checked(field('customer.display_name'), customer.displayName, titleFault),
      email: checked(field('customer.email'), customer.email, emailFault),
    };
    return { draft, key: readRequestKey(field('request_id'), requestId, draft) };
  });
}

/** What `UpdateCustomer` asks for. @throws RpcError `INVALID_ARGUMENT` */
function readUpdate({
  customer = CustomerMessage.fromPartial({}),
  updateMask,
}: UpdateCustomerRequest): CustomerUpdate {
  return validate((field) => {
    const { displayName, email } = customer;
    const has = readUpdateMask(field('update_mask'), updateMask, {
      display_name: displayName !== '',
      email: email !== '',
    });
    return {
      id: readName(field('customer.name'), 'customer', customer.name),
      changes: readEtag(field('customer.etag'), customer.etag, etaggedOf),
      fields: {
        ...(has('display_name') && { displayName: checked(field('customer.display_name'), displayName, titleFault) }),
        ...(has('email') && { email: checked(field('customer.email'), email, emailFault) }),
      },
    };
  });
}

/** What `DeleteCustomer` asks for. @throws RpcError `INVALID_ARGUMENT` */
function readDelete({ name, etag }: DeleteCustomerRequest): {
  readonly id: string;
  readonly changes: ChangesSinceRead<Customer>;
} {
  return validate((field) => ({
    id: readName(field('name'), 'customer', name),
    changes: readEtag(field('etag'), etag, etaggedOf),
  }));
}

/** A customer as the contract has it. */
function toCustomerMessage(customer: Customer): CustomerMessage {
  const { id, version: _, ...fields } = customer;
  return { name: nameOf('customer', id), ...fields, etag: etagOf(etaggedOf(customer)) };
}

/** Fields keep their order for ever: etags that people hold depend on it. */
function etaggedOf({ version, displayName, email, deleteTime }: Customer): Etagged {
  return { version, fields: { display_name: displayName, email, delete_time: deleteTime } };
}
