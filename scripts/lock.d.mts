/** The options of {@link withLock}. */
export interface LockOptions {
  /** What is locked, for messages: `the tree`. */
  readonly what: string;
  /** The work of the holder, shown to processes that wait: `rondo new service greeter`. */
  readonly purpose: string;
  /** Ends the wait. It doesn't affect `work`. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** What to do if another process holds the lock for longer, as a clause. */
  readonly remedy: string;
  /** Called once when the wait begins, with the holder: `rondo dev (process 4711)`. */
  readonly onWait?: ((holder: string) => void) | undefined;
}

/**
 * Does `work` while it holds the lock `file`, against other processes and other calls in this process. A lock whose
 * holder has died is free. The lock isn't re-entrant: `work` must not ask for it.
 *
 * @throws Error that names the holder, after `timeoutMs`. AbortError if `signal` ends the wait. Whatever `work`
 *   throws.
 */
export declare function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T>;
