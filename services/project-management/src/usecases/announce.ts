import type { Change } from '../domain/change.js';
import { StoreUnavailable } from '../domain/errors.js';
import type { ChangeFeed } from '../domain/ports.js';

/**
 * Makes a write and tells the project's watchers of it. Where the store broke down during the write nobody knows
 * whether it took effect: their streams end then, so that they read anew and miss nothing.
 */
export async function announce<C extends Change>(
  changes: ChangeFeed,
  projectId: string,
  write: () => Promise<C>,
): Promise<C> {
  try {
    const change = await write();
    changes.publish(change);
    return change;
  } catch (error) {
    if (error instanceof StoreUnavailable) changes.interrupt(projectId, error);
    throw error;
  }
}
