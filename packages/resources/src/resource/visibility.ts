import type { Queries } from '@rondo/database';
import { type NotFound, NotPermitted, NotVisible } from '../domain/errors.js';

/** A person or a program on whose behalf resources are seen, and what it may do. */
export interface Watcher {
  readonly issuer: string;
  readonly subject: string;
  readonly scopes: readonly string[];
}

/** The value of a column in the rows that a caller sees; null if it sees none, undefined if it sees all. */
export type Visible = string | null | undefined;

/** Who sees which rows of a table, and so which resources exist for a caller. A process that calls for itself sees all. */
export interface Visibility {
  /** The column whose value decides. It leads indexes along the position, for rows that aren't deleted and for deleted ones. */
  readonly column: string;
  /** The value in the rows that the caller sees. */
  readonly of: (caller: Watcher, queries: Queries) => Promise<Visible> | Visible;
  /** The value in what the caller creates without naming one. */
  readonly own: (caller: Watcher, queries: Queries) => Promise<string | undefined> | string | undefined;
  /** The scope with which a caller may set other values than the one it sees. */
  readonly scope: string;
}

/** A resource belongs to the person or program whose subject is in a column. With the scope a caller sees and gives all. */
export function ownedBy(column: string, { scope }: Pick<Visibility, 'scope'>): Visibility {
  return {
    column,
    of: ({ subject, scopes }) => (scopes.includes(scope) ? undefined : subject || null),
    own: ({ subject }) => subject,
    scope,
  };
}

/** What a caller sees of a resource that it names. */
export interface Seen {
  readonly visible: Visible;
  /** The value of the column in the row; undefined if there is no row. */
  readonly value: string | undefined;
}

/** @throws `missing` if there is no row, and NotVisible with it if the caller doesn't see the row. */
export function requireSeen({ visible, value }: Seen, missing: NotFound): void {
  if (value === undefined) throw missing;
  if (visible !== undefined && visible !== value) throw new NotVisible(missing);
}

/** A value that a caller gives to the deciding field. */
interface Assignment {
  readonly resource: string;
  /** What is assigned, such as `the salesperson of a customer`. */
  readonly what: string;
  readonly value: string;
}

/** @throws NotPermitted unless the caller sees all, or what has the value. */
export function requireAssignable(
  visible: Visible,
  { scope }: Visibility,
  { resource, what, value }: Assignment,
): void {
  if (visible !== undefined && visible !== value) throw new NotPermitted(resource, what, scope);
}
