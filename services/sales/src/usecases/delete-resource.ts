import type { ResourceKind } from '../domain/names.js';
import type { DeletableStore, Stores, Transact } from '../domain/ports.js';
import { type ChangesSinceRead, type Deletable, requireAsRead } from '../domain/stored.js';
import { found } from './found.js';

/** What is deleted, or brought back. */
export interface Target<T extends Deletable> {
  readonly kind: ResourceKind;
  readonly storeOf: (stores: Stores) => DeletableStore<T>;
  /** What has to hold of one that is to be deleted; throws where it doesn't. */
  readonly require?: (resource: T) => void;
}

/** Deletes something; what is deleted already is returned as it is. @throws NotFound, StaleEtag */
export function deleteResource<T extends Deletable>(
  { transact }: { readonly transact: Transact },
  { kind, storeOf, require }: Target<T>,
  { id, changes }: { readonly id: string; readonly changes: ChangesSinceRead<T> },
): Promise<T> {
  return transact(async (stores) => {
    const store = storeOf(stores);
    const present = found(kind, id, await store.lock(id));
    if (present.deleteTime !== undefined) return present;
    requireAsRead(kind, present, changes);
    require?.(present);
    return store.delete(id);
  });
}

/** Brings something back; what isn't deleted is returned as it is. @throws NotFound, EmailTaken, SkuTaken */
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
