import { defineErrors, RpcError } from '@rondo/rpc/status';

/** A resume token that this watch never issued: malformed, or of another watch. Callers get `INVALID_ARGUMENT`. */
export class InvalidResumeToken extends RpcError {}

/**
 * The watch ended, and a watcher that resumes with its last token misses nothing. Either the reader was too slow, or
 * the history that it was reading is gone; then the resumed watch starts with a new snapshot. Callers get `ABORTED`.
 */
export class WatchAborted extends RpcError {}

/**
 * The watch can't start or continue in this process: the database is unavailable, or the process is stopping or full.
 * The watcher can resume with its last token later, or at another replica. Callers get `UNAVAILABLE`.
 */
export class WatchUnavailable extends RpcError {}

/** The errors that end a watch. */
export const watchErrors = defineErrors('the server', {
  FOREIGN_RESUME_TOKEN: {
    type: InvalidResumeToken,
    field: 'resume_token',
    text: 'must be the token of an earlier message of the same watch; leave it empty to begin with a snapshot',
    cause: 'The `resume_token` of a watch is from another watch, or no token.',
    remedy: 'Send a token unchanged to the watch that it came from; leave it empty to begin with a snapshot.',
  },
  CHANGES_WAIT: {
    type: WatchAborted,
    code: 'ABORTED',
    text: '{maxChanges} changes wait to be read: read faster, and resume from the last token; watch again with the resume_token of the last message',
    cause: 'The watcher reads more slowly than changes come.',
    remedy: 'Read faster, or watch less; then watch again with the last token.',
  },
  NOTHING_READ: {
    type: WatchAborted,
    code: 'ABORTED',
    text: 'nothing was read for {limitMs} ms: read faster, and resume from the last token; watch again with the resume_token of the last message',
    cause: 'The watcher stopped reading.',
    remedy: 'Read all the time; then watch again with the last token.',
  },
  HISTORY_TRIMMED: {
    type: WatchAborted,
    code: 'ABORTED',
    text: 'the history was trimmed while it was read: read faster, and resume from the last token; watch again with the resume_token of the last message',
    cause:
      "Changes that the watcher hadn't read are gone: they are kept for a limited time, and a backup may have been restored.",
    remedy: 'Read faster; watch again with the last token. The watch may begin with a snapshot.',
  },
  TOO_MANY_CHANGES: {
    type: WatchUnavailable,
    code: 'UNAVAILABLE',
    text: 'changes come faster than they are relayed: resume from the last token',
    cause: 'While the snapshot was read, changes came faster than the instance passes them on.',
    remedy: 'Watch again later, or at another replica.',
    effect: 'none',
  },
  TOO_MANY_WATCHERS: {
    type: WatchUnavailable,
    code: 'UNAVAILABLE',
    text: 'this replica has {watchers} watchers, its maximum, or half of what is free for this caller: watch at another replica',
    cause: 'The instance has as many watchers as it may, or one caller has half of what the others leave free.',
    remedy: 'Watch at another replica, or add replicas.',
    effect: 'none',
  },
  DATABASE_AWAY: {
    type: WatchUnavailable,
    code: 'UNAVAILABLE',
    text: 'the database is unavailable: resume from the last token',
    cause: "The service can't read changes from its database.",
    remedy: 'Watch again with the last token, later or at another replica.',
    effect: 'none',
  },
  STOPPING: {
    type: WatchUnavailable,
    code: 'UNAVAILABLE',
    text: 'this replica is stopping: resume at another from the last token',
    cause: 'The instance that serves the watch is stopping.',
    remedy: "Watch again with the last token. Rondo's client does so by itself for methods with `resume`.",
    effect: 'none',
  },
});
