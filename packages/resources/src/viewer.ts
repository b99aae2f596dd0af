import { AsyncLocalStorage } from 'node:async_hooks';
import { createContextKey } from '@rondo/rpc/call';

/** On whose behalf a list is read, and which of its rows that person or program sees. */
export interface Viewer {
  /** The person or program: page tokens are valid for the same one only. */
  readonly identity: readonly string[];
  /** The value of `ListQuery.sight`; undefined for all rows. */
  readonly sight: string | null | undefined;
}

const storage = new AsyncLocalStorage<Viewer>();

/** Runs `work`, whose lists have only what `viewer` sees, and whose page tokens are valid for `viewer` only. */
export function viewedBy<T>(viewer: Viewer, work: () => T): T {
  return storage.run(viewer, work);
}

/** The viewer of the present call; undefined if the call is made by a process for itself. */
export function currentViewer(): Viewer | undefined {
  return storage.getStore();
}

/** The resource that the caller doesn't see, so that the call fails as if there were none; empty if it is known by no name. */
export const hiddenByRule = createContextKey<string | undefined>(undefined, { description: 'hidden by a rule' });
