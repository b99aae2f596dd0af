import { OutOfSight } from '@rondo/resources/domain';
import { notFound } from './errors.js';
import type { ResourceKind } from './names.js';

/** The scope of an administrator, who sees and changes everything. */
export const ADMIN_SCOPE = 'sales.admin';

/** The kinds of resources that belong to a salesperson: a customer, and its quotes and orders. */
export type OwnedKind = Exclude<ResourceKind, 'product'>;

/** A person or a program, and what it may do. */
interface Principal {
  readonly subject: string;
  readonly scopes: readonly string[];
}

/** The salesperson whose resources a principal sees; undefined if it sees those of all. */
export function salespersonSeenBy({ subject, scopes }: Principal): string | undefined {
  return scopes.includes(ADMIN_SCOPE) ? undefined : subject;
}

/** A resource that belongs to a salesperson. */
export interface Owned {
  readonly kind: OwnedKind;
  readonly id: string;
  /** Undefined if there is no such resource. */
  readonly salesperson: string | undefined;
}

/** Checks that a principal sees a resource. @throws NotFound, or OutOfSight with the same error. */
export function requireInSight(principal: Principal, { kind, id, salesperson }: Owned): void {
  const seen = salespersonSeenBy(principal);
  if (seen === undefined || (seen === salesperson && seen !== '')) return;
  const missing = notFound(kind, [id]);
  throw salesperson === undefined ? missing : new OutOfSight(missing);
}

/** The value of `ListQuery.sight` for a principal. */
export function sightOf(principal: Principal): string | null | undefined {
  const seen = salespersonSeenBy(principal);
  return seen === '' ? null : seen;
}
