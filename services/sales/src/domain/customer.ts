import type { Deletable, StoredOnly } from './stored.js';

/** Somebody who buys. */
export interface Customer extends Deletable {
  readonly displayName: string;
  /** Unique among those that aren't deleted, whatever its case. */
  readonly email: string;
}

/** A customer who isn't stored yet. */
export type CustomerDraft = Omit<Customer, StoredOnly>;
