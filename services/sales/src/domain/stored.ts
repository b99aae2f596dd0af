import { Deleted, NotFound, StaleEtag } from './errors.js';
import type { ListQuery, Page } from './list.js';
import type { ResourceKind } from './names.js';

/** What the database adds to every resource. */
export interface Stored {
  readonly id: string;
  /** The number of changes, from 1. */
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
}

/** A resource that can be deleted and undeleted. */
export interface Deletable extends Stored {
  /** Undefined if it isn't deleted. */
  readonly deleteTime: Date | undefined;
}

/** The fields that the store sets, not the caller. */
export type StoredOnly = keyof Deletable;

/** What every store reads. */
export interface Reader<T> {
  /** Finds deleted resources too. */
  find(id: string): Promise<T | undefined>;
  /** The newest first. */
  list(query: ListQuery): Promise<Page<T>>;
  /** Reads like `find`, and locks the row until the transaction ends. */
  lock(id: string): Promise<T | undefined>;
}

/** Deletes and undeletes resources that the transaction has locked. */
export interface Deleter<T extends Deletable> {
  delete(id: string): Promise<T>;
  /** @throws EmailTaken, SkuTaken if another resource has taken its unique value. */
  undelete(id: string): Promise<T>;
}

/** What the deletion of a resource needs of its store. */
export type DeletableStore<T extends Deletable> = Pick<Reader<T>, 'lock'> & Deleter<T>;

/**
 * Compares a resource with the etag that the caller sent. Returns the names of the fields that have changed since, or
 * undefined if the etag still matches or the caller sent none.
 */
export type ChangedSince<T> = (present: T) => readonly string[] | undefined;

/** The resource that the store returned. @throws NotFound if there is none. */
export function found<T>(kind: ResourceKind, id: string, resource: T | undefined): T {
  if (resource === undefined) throw new NotFound(kind, [id]);
  return resource;
}

/** The resource, which isn't deleted. @throws Deleted */
export function live<T extends Deletable>(kind: ResourceKind, resource: T): T {
  if (resource.deleteTime !== undefined) throw new Deleted(kind, [resource.id]);
  return resource;
}

/** @throws StaleEtag if the resource has changed since the caller read it. */
export function requireUnchanged<T extends Stored>(
  kind: ResourceKind,
  present: T,
  changedSince: ChangedSince<T>,
): void {
  const changed = changedSince(present);
  if (changed !== undefined) throw new StaleEtag(kind, present.id, changed);
}

/** Whether setting `fields` would change `present`. All values are plain data. */
export function differs<T extends object>(present: T, fields: Partial<T>): boolean {
  const values = new Map<string, unknown>(Object.entries(present));
  return Object.entries(fields).some(([key, value]) => textOf(value) !== textOf(values.get(key)));
}

/** JSON with sorted keys: equal values give equal text, whatever the order of their keys. */
function textOf(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
