/** A resume token that this watch never issued: malformed, or of another topic. It is the caller's fault. */
export class InvalidResumeToken extends Error {
  override readonly name = 'InvalidResumeToken';
}

/**
 * The watch ended, and a watcher that resumes with its last token misses nothing. Either the reader was too slow, or
 * the history that it was reading is gone; then the resumed watch starts with a new snapshot. Callers get `ABORTED`.
 */
export class WatchAborted extends Error {
  override readonly name = 'WatchAborted';
}

/**
 * The watch can't start or continue in this process: the database is unavailable, or the process is stopping or full.
 * The watcher can resume with its last token later, or at another replica. Callers get `UNAVAILABLE`.
 */
export class WatchUnavailable extends Error {
  override readonly name = 'WatchUnavailable';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}
