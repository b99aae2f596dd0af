/** Somebody who buys. */
export interface Customer {
  readonly id: string;
  readonly displayName: string;
  /** Unique, whatever its case. */
  readonly email: string;
  readonly createTime: Date;
}

/** A customer who isn't stored yet. */
export type CustomerDraft = Pick<Customer, 'displayName' | 'email'>;
