import path from 'node:path';
import { type LockOptions, withLock } from '../workspace/lock.js';
import { undoAbandoned } from './change-set.js';

/** The options of {@link withTreeLock}. It waits for a minute by default. */
type TreeLockOptions = Pick<LockOptions, 'purpose' | 'signal' | 'onWait'> &
  Partial<Pick<LockOptions, 'timeoutMs'>> & {
    /** Called if an earlier holder was killed and its changes were undone. */
    readonly onRecovered?: () => void;
  };

/**
 * Does `work` while it holds the lock `.rondo/tree.lock`, so that no other process writes the repository's tree or
 * builds it. First it undoes the unfinished changes of a holder that was killed.
 *
 * @param root The repository's folder.
 * @throws whatever {@link withLock} throws.
 */
export function withTreeLock<T>(root: string, options: TreeLockOptions, work: () => Promise<T>): Promise<T> {
  const what = { what: 'the tree', remedy: 'try again once it is done' };
  return withLock(path.join(root, '.rondo/tree.lock'), { timeoutMs: 60_000, ...what, ...options }, () => {
    if (undoAbandoned(root)) options.onRecovered?.();
    return work();
  });
}
