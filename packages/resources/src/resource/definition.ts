import type { MessageType } from '@rondo/rpc/internal';
import type { FieldDescription, ResourceDescription } from '@rondo/validation';
import type { Listing } from '../sql/listing.js';
import type { Column, Row } from './column.js';
import type { Visibility } from './visibility.js';

/** A generated message type of a resource: `Customer` of its contract. */
export interface ResourceType<M> extends MessageType<M> {
  readonly $type: string;
  /** Generated for the messages that a method `Get…` or `List…` returns, and for those with `google.api.resource`. */
  readonly resource?: ResourceDescription | undefined;
}

/** The fields of a resource but its name and its etag, by their names in code. */
export type Field<M> = Exclude<Extract<keyof M, string>, 'name' | 'etag'>;

/** How one resource is stored, listed and seen: what its contract doesn't say. Fields have their names in code. */
export interface Definition<M> {
  readonly table: string;
  /**
   * The columns of fields: another name, other columns, or `false` for a field that isn't stored. By default a field is in the column with
   * its name in the contract; messages and maps are `jsonb`.
   */
  readonly columns?: {
    readonly [K in Field<M>]?: string | false | Column<M[K]> | ((field: FieldDescription) => Column<unknown>);
  };
  /** The columns of the ids in a name, in their order; by default `id`, after `project_id` for a parent `projects/{project}`. */
  readonly ids?: readonly string[];
  /** The fields that a filter may compare. Each has an index, unless it is in `list.unindexed`. */
  readonly filter?: readonly Field<M>[];
  /** The fields by which lists may be sorted. Each has an index on it and the position. */
  readonly sort?: readonly Field<M>[];
  /** The fields whose values are unique, by the constraint or index; what they are called, if it isn't by their names. */
  readonly unique?: Readonly<Record<string, Field<M> | { readonly [K in Field<M>]?: string }>>;
  /** Fields that only a create sets, where the contract doesn't mark them `IMMUTABLE`. */
  readonly immutable?: readonly Field<M>[];
  /** Who sees which rows; by default everyone sees all. */
  readonly visibleTo?: Visibility;
  /** What the error of one that doesn't exist tells callers to do; by default that its list method lists those that do. */
  readonly whenMissing?: string;
  /** What the error of a change of a deleted one tells callers to do. It is `FAILED_PRECONDITION` with it, and `NOT_FOUND` without. */
  readonly whenDeleted?: string;
  /** How its table is walked, if it isn't by `sequence`, the newest first. */
  readonly list?: ListTuning;
  /** What is read besides the columns of the table: of other tables, or computed. */
  readonly derived?: Derived;
  /** The names that columns have in the changes that watchers get, where the table has others. */
  readonly changed?: Readonly<Record<string, string>>;
  /** What its etags are of, if it isn't the default. It must never change, as callers hold etags. */
  readonly etag?: EtagParts<M>;
}

/** What differs from the listing that follows from a definition. `columns` and `sorted` are added to it. */
export type ListTuning = ListParts & {
  /** What differs in the list of one parent, where that of all parents has other indexes. */
  readonly ofParent?: ListParts;
};

type ListParts = Partial<Omit<Listing, 'table' | 'selected' | 'derived' | 'scope'>>;

/** Columns in SQL. `row` is the name of the resource's row. Fields read them by `readOnly`. */
export interface Derived {
  /** Parts of the resource, which are only written together with its row, and columns of `joins`. */
  readonly columns: (row: string) => string;
  /** Joins of rows that may change without the resource's. It is then locked and read in two statements. */
  readonly joins?: (row: string) => string;
}

/** The parts of an etag that are a resource's own. */
export interface EtagParts<M> {
  /** By default the fields that an update changes, and `delete_time`, in the order of their numbers. */
  readonly fields?: (resource: M, row: Row) => Readonly<Record<string, unknown>>;
  /** Changes that the column `version` doesn't count. */
  readonly changes?: (resource: M) => bigint;
}
