/** A resume token that this watch never gave: malformed, or of another topic. The caller's fault. */
export class InvalidResumeToken extends Error {
  override readonly name = 'InvalidResumeToken';
}

/**
 * The watch ended, and whoever goes on with the last token it was given misses nothing: its reader was too slow, or
 * the history that it was reading is gone (then there will be a new snapshot). `ABORTED` to a caller.
 */
export class WatchAborted extends Error {
  override readonly name = 'WatchAborted';
}

/**
 * The watch can't begin or go on here for now: the database is away, or this process is stopping or full. Later, or at
 * another replica, it goes on with the last token. `UNAVAILABLE` to a caller.
 */
export class WatchUnavailable extends Error {
  override readonly name = 'WatchUnavailable';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}
