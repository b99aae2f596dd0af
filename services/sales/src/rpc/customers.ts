import { watchOf } from '@rondo/access';
import {
  type CreateCustomerRequest,
  Customer as CustomerMessage,
  CustomerServiceDefinition,
  type DeleteCustomerRequest,
  type UpdateCustomerRequest,
  type WatchCustomersResponse,
} from '@rondo/contracts/sales/v1/customers';
import {
  type Etagged,
  etagOf,
  type List,
  nextPageToken,
  readEtag,
  readList,
  readUpdateMask,
  required,
} from '@rondo/resources';
import type { ResourceEvent } from '@rondo/resources/domain';
import { callPrincipal } from '@rondo/rpc/call';
import { implement, reading, type ServiceImplementation } from '@rondo/rpc/server';
import { type FieldAt, validate } from '@rondo/rpc/status';
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
import { type Deletion, deleteResource, type Target, undeleteResource } from '../usecases/delete-resource.js';
import { streamWithRpcErrors, withRpcErrors } from './errors.js';
import { idOf, readName } from './names.js';

const CUSTOMER: Target<Customer> = { kind: 'customer', storeOf: ({ customers }) => customers };

/** Implements `sales.v1.CustomerService`. */
export function customerService(ports: Ports): ServiceImplementation {
  return implement(CustomerServiceDefinition, {
    createCustomer: reading(readCreate, (draft, { values }) => {
      const owned = { ...draft, salesperson: draft.salesperson || (values.get(callPrincipal)?.subject ?? '') };
      return withRpcErrors(createCustomer(ports, owned, toCustomerMessage));
    }),
    async getCustomer({ name }) {
      return toCustomerMessage(await withRpcErrors(getCustomer(ports, idOf('customer', name))));
    },
    async listCustomers(request) {
      const query = validate((field) => readList(field, CUSTOMERS, request));
      const { items, next } = await withRpcErrors(listCustomers(ports, query));
      return { customers: items.map(toCustomerMessage), nextPageToken: nextPageToken(CUSTOMERS, request, next) };
    },
    watchCustomers: (request, call) =>
      streamWithRpcErrors(ports.feeds.customers.watch(watchOf(request, call)), toEventMessage),
    updateCustomer: reading(readUpdate, async (update) => {
      return toCustomerMessage(await withRpcErrors(updateCustomer(ports, update)));
    }),
    deleteCustomer: reading(readDelete, async (deletion) => {
      return toCustomerMessage(await withRpcErrors(deleteResource(ports, CUSTOMER, deletion)));
    }),
    async undeleteCustomer({ name }) {
      return toCustomerMessage(await withRpcErrors(undeleteResource(ports, CUSTOMER, idOf('customer', name))));
    },
  });
}

/** The fields by which customers can be filtered and sorted. */
const CUSTOMERS: List = {
  collection: 'customers',
  fields: {
    display_name: { kind: 'text' },
    email: { kind: 'text' },
    salesperson: { kind: 'text' },
    create_time: { kind: 'timestamp' },
  },
  sortable: ['create_time', 'display_name'],
};

const EMPTY = CustomerMessage.fromPartial({});

function readCreate({ customer = EMPTY }: CreateCustomerRequest, field: FieldAt): CustomerDraft {
  return {
    displayName: required(field('customer.display_name'), customer.displayName),
    email: required(field('customer.email'), customer.email),
    salesperson: customer.salesperson,
  };
}

function readUpdate({ customer = EMPTY, updateMask }: UpdateCustomerRequest, field: FieldAt): CustomerUpdate {
  const { displayName, email, salesperson } = customer;
  const has = readUpdateMask(field('update_mask'), updateMask, {
    display_name: displayName !== '',
    email: email !== '',
    salesperson: salesperson !== '',
  });
  return {
    id: readName(field('customer.name'), 'customer', customer.name),
    changedSince: readEtag(field('customer.etag'), customer.etag, etaggedOf),
    fields: {
      ...(has('display_name') && { displayName: required(field('customer.display_name'), displayName) }),
      ...(has('email') && { email: required(field('customer.email'), email) }),
      ...(has('salesperson') && { salesperson }),
    },
  };
}

function readDelete({ name, etag }: DeleteCustomerRequest, field: FieldAt): Deletion<Customer> {
  return {
    id: readName(field('name'), 'customer', name),
    changedSince: readEtag(field('etag'), etag, etaggedOf),
  };
}

function toEventMessage(event: ResourceEvent<Customer>): WatchCustomersResponse {
  const { resumeToken } = event;
  if (event.kind !== 'snapshot') {
    return { event: { $case: 'customerChanged', value: toCustomerMessage(event.item) }, resumeToken };
  }
  const { items, first, more } = event;
  return { event: { $case: 'snapshot', value: { customers: items.map(toCustomerMessage), first, more } }, resumeToken };
}

function toCustomerMessage(customer: Customer): CustomerMessage {
  const { id, version: _, ...fields } = customer;
  return { name: nameOf('customer', id), ...fields, etag: etagOf(etaggedOf(customer)) };
}

/** The order of these fields must never change: the etags that callers hold depend on it. */
function etaggedOf(customer: Customer): Etagged {
  const { id, version, createTime, updateTime, displayName, email, deleteTime, salesperson } = customer;
  const state = { name: nameOf('customer', id), version, createTime, updateTime };
  return { ...state, fields: { display_name: displayName, email, delete_time: deleteTime, salesperson } };
}
