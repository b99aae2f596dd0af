import { type ChangedSince, type Deletable, requireUnchanged } from '@rondo/resources/domain';
import { nameOf, type ResourceKind } from '../domain/names.js';
import type { Stores, Transact } from '../domain/ports.js';
import { type DeletableStore, found } from '../domain/stored.js';

/** A kind of resource that can be deleted. */
export interface Target<T extends Deletable> {
  readonly kind: ResourceKind;
  readonly storeOf: (stores: Stores) => DeletableStore<T>;
  /** Throws if the resource mustn't be deleted. */
  readonly require?: (resource: T) => void;
}

/** The resource to delete, and the etag to check. */
export interface Deletion<T extends Deletable> {
  readonly id: string;
  readonly changedSince: ChangedSince<T>;
}

/** Deletes a resource. A deleted resource is returned as it is. @throws NotFound, StaleEtag */
export function deleteResource<T extends Deletable>(
  { transact }: { readonly transact: Transact },
  { kind, storeOf, require }: Target<T>,
  { id, changedSince }: Deletion<T>,
): Promise<T> {
  return transact(async (stores) => {
    const store = storeOf(stores);
    const present = found(kind, id, await store.lock(id));
    if (present.deleteTime !== undefined) return present;
    requireUnchanged(nameOf(kind, id), present, changedSince);
    require?.(present);
    return store.delete(id);
  });
}

/** Undeletes a resource. One that isn't deleted is returned as it is. @throws NotFound, SkuTaken */
export function undeleteResource<T extends Deletable>(
  { transact }: { readonly transact: Transact },
  { kind, storeOf }: Target<T>,
  id: string,
): Promise<T> {
  return transact(async (stores) => {
    const store = storeOf(stores);
    const present = found(kind, id, await store.lock(id));
    return present.deleteTime === undefined ? present : store.undelete(id);
  });
}
