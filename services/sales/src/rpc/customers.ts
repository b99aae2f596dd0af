import {
  type CreateCustomerRequest,
  Customer as CustomerMessage,
  CustomerServiceDefinition,
  type DeleteCustomerRequest,
  type UpdateCustomerRequest,
} from '@rondo/contracts/sales/v1/customers';
import {
  checkRequestId,
  type Etagged,
  etagOf,
  type List,
  nextPageToken,
  readEtag,
  readList,
  readUpdateMask,
} from '@rondo/resources';
import { type ChangedSince, emailFault, titleFault } from '@rondo/resources/domain';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { checked, validate } from '@rondo/rpc/status';
import type { Customer, CustomerDraft } from '../domain/customer.js';
import { nameOf } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import {
  type CustomerUpdate,
  createCustomer,
  getCustomer,
  listCustomers,
  updateCustomer,
} from '../usecases/customers.js';
import { deleteResource, type Target, undeleteResource } from '../usecases/delete-resource.js';
import { withRpcErrors } from './errors.js';
import { idOf, readName } from './names.js';

const CUSTOMER: Target<Customer> = { kind: 'customer', storeOf: ({ customers }) => customers };

/** Implements `sales.v1.CustomerService`. */
export function customerService(ports: Ports): ServiceImplementation {
  return implement(CustomerServiceDefinition, {
    async createCustomer(request) {
      return withRpcErrors(createCustomer(ports, readCreate(request), toCustomerMessage));
    },
    async getCustomer({ name }) {
      return toCustomerMessage(await withRpcErrors(getCustomer(ports, idOf('customer', name))));
    },
    async listCustomers(request) {
      const { items, next } = await withRpcErrors(
        listCustomers(
          ports,
          validate((field) => readList(field, CUSTOMERS, request)),
        ),
      );
      return { customers: items.map(toCustomerMessage), nextPageToken: nextPageToken(CUSTOMERS, request, next) };
    },
    async updateCustomer(request) {
      return toCustomerMessage(await withRpcErrors(updateCustomer(ports, readUpdate(request))));
    },
    async deleteCustomer(request) {
      return toCustomerMessage(await withRpcErrors(deleteResource(ports, CUSTOMER, readDelete(request))));
    },
    async undeleteCustomer({ name }) {
      return toCustomerMessage(await withRpcErrors(undeleteResource(ports, CUSTOMER, idOf('customer', name))));
    },
  });
}

/** The fields by which customers can be filtered. */
const CUSTOMERS: List = {
  collection: 'customers',
  fields: { display_name: { kind: 'text' }, email: { kind: 'text' }, create_time: { kind: 'timestamp' } },
};

/** @throws RpcError `INVALID_ARGUMENT` with all faults of the request. */
function readCreate({ customer = CustomerMessage.fromPartial({}), requestId }: CreateCustomerRequest): CustomerDraft {
  return validate((field) => {
    const draft = {
      displayName: checked(field('customer.display_name'), customer.displayName, titleFault),
      email: checked(field('customer.email'), customer.email, emailFault),
    };
    checkRequestId(field('request_id'), requestId);
    return draft;
  });
}

/** @throws RpcError `INVALID_ARGUMENT` with all faults of the request. */
function readUpdate({ customer = CustomerMessage.fromPartial({}), updateMask }: UpdateCustomerRequest): CustomerUpdate {
  return validate((field) => {
    const { displayName, email } = customer;
    const has = readUpdateMask(field('update_mask'), updateMask, {
      display_name: displayName !== '',
      email: email !== '',
    });
    return {
      id: readName(field('customer.name'), 'customer', customer.name),
      changedSince: readEtag(field('customer.etag'), customer.etag, etaggedOf),
      fields: {
        ...(has('display_name') && { displayName: checked(field('customer.display_name'), displayName, titleFault) }),
        ...(has('email') && { email: checked(field('customer.email'), email, emailFault) }),
      },
    };
  });
}

/** @throws RpcError `INVALID_ARGUMENT` with all faults of the request. */
function readDelete({ name, etag }: DeleteCustomerRequest): {
  readonly id: string;
  readonly changedSince: ChangedSince<Customer>;
} {
  return validate((field) => ({
    id: readName(field('name'), 'customer', name),
    changedSince: readEtag(field('etag'), etag, etaggedOf),
  }));
}

function toCustomerMessage(customer: Customer): CustomerMessage {
  const { id, version: _, ...fields } = customer;
  return { name: nameOf('customer', id), ...fields, etag: etagOf(etaggedOf(customer)) };
}

/** The order of these fields must never change: the etags that callers hold depend on it. */
function etaggedOf({ id, version, createTime, updateTime, displayName, email, deleteTime }: Customer): Etagged {
  const state = { name: nameOf('customer', id), version, createTime, updateTime };
  return { ...state, fields: { display_name: displayName, email, delete_time: deleteTime } };
}
