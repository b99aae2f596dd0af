import path from 'node:path';
import { undoLeftovers } from '../change-set.js';
import { type LockOptions, withLock } from './lock.js';

/** What holding the tree is for; it is waited for for a minute by default. */
export type TreeLockOptions = Pick<LockOptions, 'purpose' | 'signal' | 'onWait'> &
  Partial<Pick<LockOptions, 'timeoutMs'>> & {
    /** Told where an earlier holder was killed, and what it had changed was undone. */
    readonly onHealed?: () => void;
  };

/**
 * Does `work` while nobody else writes the repository's tree or builds it, under the lock `.rondo/tree.lock`. What a
 * holder left half done that was killed is undone first.
 *
 * @param root The repository's folder.
 * @throws Refusal and what else {@link withLock} throws.
 */
export function withTreeLock<T>(root: string, options: TreeLockOptions, work: () => Promise<T>): Promise<T> {
  const what = { what: 'the tree', remedy: 'try again once it is done' };
  return withLock(path.join(root, '.rondo/tree.lock'), { timeoutMs: 60_000, ...what, ...options }, () => {
    if (undoLeftovers(root)) options.onHealed?.();
    return work();
  });
}
