import type { Deletable, StoredOnly } from '@rondo/resources/domain';
import type { Deleter, Reader } from './stored.js';

/** A buyer. */
export interface Customer extends Deletable {
  readonly displayName: string;
  /** Unique among the customers that aren't deleted, ignoring case. */
  readonly email: string;
  /** The subject of its salesperson; empty for none. */
  readonly salesperson: string;
}

/** A customer before it is stored. */
export type CustomerDraft = Omit<Customer, StoredOnly>;

/** Stores customers. */
export interface CustomerStore extends Reader<Customer>, Deleter<Customer> {
  /** @throws EmailTaken if another customer has the e-mail address. */
  add(customer: CustomerDraft & { readonly id: string }): Promise<Customer>;
  /** Changes a locked customer. @throws EmailTaken */
  update(id: string, fields: Partial<CustomerDraft>): Promise<Customer>;
}
