/** Bounds in milliseconds and counts; each has a default. */
export interface SyncBounds {
  /** Interval of the sweep that finds changes without a nudge; default 1,000. */
  readonly sweepMs?: number;
  /** How many changes may wait for one watcher before it is ended as too slow; default 1,024. */
  readonly mailboxSize?: number;
  /** Maximum number of watchers in one process; default 10,000. */
  readonly maxWatchers?: number;
  /** How many snapshots are read into memory at once, each on a connection of the pool; default 4. */
  readonly maxSnapshots?: number;
  /** How many parts a snapshot may have to be read into memory; default 16. */
  readonly snapshotParts?: number;
  /** How many parts of all watches may wait in memory for their readers; default 256. */
  readonly heldParts?: number;
  /**
   * How many larger snapshots are read at once. Each keeps a connection of the pool while its reader takes it; default
   * 2.
   */
  readonly maxLargeSnapshots?: number;
  /** How long reading one snapshot may take, for a larger one including its reader's time; default 30,000. */
  readonly snapshotTimeoutMs?: number;
  /**
   * How long a reader may take for a part of a snapshot or a change from the history, while resources are held for it;
   * default 5,000.
   */
  readonly partTimeoutMs?: number;
  /** How long a reader may take for any other event; default 60,000. */
  readonly readTimeoutMs?: number;
  /** How long the database may be unavailable before watchers are ended; default 10,000. */
  readonly outageMs?: number;
  /** How long changes are kept for resuming watchers; default one hour. */
  readonly historyMs?: number;
  /** Maximum number of changes in the history, not counting those of `minHistoryMs`; default 200,000. */
  readonly historyRows?: number;
  /** How long changes are kept in any case, so that a snapshot in parts goes on; default 120,000. */
  readonly minHistoryMs?: number;
  /** Interval between trims of the history; default 10,000. */
  readonly trimMs?: number;
}

export type Bounds = Required<SyncBounds>;

/** The given bounds, with defaults for the others. */
export function boundsOf(given: SyncBounds): Bounds {
  return {
    sweepMs: given.sweepMs ?? 1_000,
    mailboxSize: given.mailboxSize ?? 1_024,
    maxWatchers: given.maxWatchers ?? 10_000,
    maxSnapshots: given.maxSnapshots ?? 4,
    snapshotParts: given.snapshotParts ?? 16,
    heldParts: given.heldParts ?? 256,
    maxLargeSnapshots: given.maxLargeSnapshots ?? 2,
    snapshotTimeoutMs: given.snapshotTimeoutMs ?? 30_000,
    partTimeoutMs: given.partTimeoutMs ?? 5_000,
    readTimeoutMs: given.readTimeoutMs ?? 60_000,
    outageMs: given.outageMs ?? 10_000,
    historyMs: given.historyMs ?? 3_600_000,
    historyRows: given.historyRows ?? 200_000,
    minHistoryMs: given.minHistoryMs ?? 120_000,
    trimMs: given.trimMs ?? 10_000,
  };
}

/** Internal events for counters and gauges. */
export type SyncEvent =
  /** This process moved changes from the outbox to the history. */
  | { readonly kind: 'relayed'; readonly changes: number }
  /** Changes reached this process. `lagMs` is the age of the oldest change, by the clocks of the database and this machine. */
  | { readonly kind: 'received'; readonly changes: number; readonly position: bigint; readonly lagMs: number }
  /** The number of open watchers changed. */
  | { readonly kind: 'watchers'; readonly open: number }
  /** A watcher started with a snapshot, because it had no token or an outdated one. */
  | { readonly kind: 'snapshot'; readonly topic: string; readonly tokenGiven: boolean }
  /** A watcher was too slow and was ended; it has to resume. */
  | { readonly kind: 'overflowed'; readonly topic: string }
  /** Changes were removed from the history. */
  | { readonly kind: 'trimmed'; readonly changes: number };

/** Receives each event; must not throw. */
export type OnSyncEvent = (event: SyncEvent) => void;

/** A log like the one in `@rondo/rpc/call`. */
export interface SyncLog {
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}
