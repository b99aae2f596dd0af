import { type CreateCustomerRequest, Customer as CustomerMessage } from '@rondo/contracts/sales/v1/customers';
import { checked, validate } from '@rondo/rpc/status';
import type { Customer, CustomerDraft } from '../domain/customer.js';
import { nameOf } from '../domain/names.js';
import type { RequestKey } from '../domain/request-key.js';
import { emailFault, titleFault } from '../domain/rules.js';
import { readRequestKey } from './request-keys.js';

/** What `CreateCustomer` asks for. @throws RpcError `INVALID_ARGUMENT` */
export function readCreate({ customer = CustomerMessage.fromPartial({}), requestId }: CreateCustomerRequest): {
  readonly draft: CustomerDraft;
  readonly key: RequestKey | undefined;
} {
  return validate((field) => {
    const draft = {
      displayName: checked(field('customer.display_name'), customer.displayName, titleFault),
      email: checked(field('customer.email'), customer.email, emailFault),
    };
    return { draft, key: readRequestKey(field('request_id'), { method: 'CreateCustomer', requestId, asked: draft }) };
  });
}

/** A customer as the contract has it. */
export function toCustomerMessage({ id, ...fields }: Customer): CustomerMessage {
  return { name: nameOf('customer', id), ...fields };
}
