import type { Deletable, ListQuery, Page } from '@rondo/resources/domain';
import { Deleted, notFound } from './errors.js';
import type { ResourceKind } from './names.js';

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
  /** @throws SkuTaken if another resource has taken its unique value. */
  undelete(id: string): Promise<T>;
}

/** What the deletion of a resource needs of its store. */
export type DeletableStore<T extends Deletable> = Pick<Reader<T>, 'lock'> & Deleter<T>;

/** The resource that the store returned. @throws NotFound if there is none. */
export function found<T>(kind: ResourceKind, id: string, resource: T | undefined): T {
  if (resource === undefined) throw notFound(kind, [id]);
  return resource;
}

/** The resource, which isn't deleted. @throws Deleted */
export function live<T extends Deletable>(kind: ResourceKind, resource: T): T {
  if (resource.deleteTime !== undefined) throw new Deleted(kind, [resource.id]);
  return resource;
}
