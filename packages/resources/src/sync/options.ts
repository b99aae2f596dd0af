/** The bounds of a process, in milliseconds and counts. */
export const BOUNDS = {
  /** Interval of the sweep that finds changes without a nudge. */
  sweepMs: 1_000,
  /** How many changes may wait for one watcher before it is ended as too slow. */
  mailboxSize: 1_024,
  /** Maximum number of watchers in one process. */
  maxWatchers: 10_000,
  /** How many parts of snapshots are read at once, each on a connection of the pool. */
  maxSnapshots: 4,
  /** How long a reader may take for a part of a snapshot or a change from the history, while more is held for it. */
  partTimeoutMs: 5_000,
  /** How long a reader may take for any other event. */
  readTimeoutMs: 60_000,
  /** How long the database may be unavailable before watchers are ended. */
  outageMs: 10_000,
  /** How long changes are kept for resuming watchers. */
  historyMs: 3_600_000,
  /** Maximum number of changes in the history, not counting those of `minHistoryMs`. */
  historyRows: 200_000,
  /** How long changes are kept in any case, so that a snapshot in parts goes on. */
  minHistoryMs: 120_000,
  /** Interval between trims of the history. */
  trimMs: 10_000,
};

export type Bounds = Readonly<typeof BOUNDS>;

/** A log like the one in `@rondo/rpc/call`. */
export interface SyncLog {
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}
