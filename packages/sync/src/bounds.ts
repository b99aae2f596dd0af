/** Times in milliseconds and sizes; each has a default that suits a service. */
export interface SyncBounds {
  /** How often what nobody nudged for is looked for; default 1,000. */
  readonly sweepMs?: number;
  /** How many changes wait for one watcher before it is too slow; default 1,024. */
  readonly mailboxSize?: number;
  /** How many watchers one process takes; default 10,000. */
  readonly maxWatchers?: number;
  /** How many snapshots are read at once, each on a connection of the pool and without waiting for its reader; default 4. */
  readonly maxSnapshots?: number;
  /** How many parts a snapshot may have to be read so, and then told from memory; default 16. */
  readonly snapshotParts?: number;
  /** How many parts wait in memory for their readers at most, of all watches; default 256. */
  readonly heldParts?: number;
  /** How many larger snapshots are read at once, each on a connection of the pool, as their readers take them; default 2. */
  readonly maxLargeSnapshots?: number;
  /** How long the reading of one snapshot may take, for a larger one its reader's slowness included; default 30,000. */
  readonly snapshotTimeoutMs?: number;
  /** How long a reader may take for a part of a snapshot or a change of the past, while more is held for it; default 5,000. */
  readonly partTimeoutMs?: number;
  /** How long it may take for anything else; default 60,000. */
  readonly readTimeoutMs?: number;
  /** How long the database may be away before watchers are told; default 10,000. */
  readonly outageMs?: number;
  /** How long changes are kept for those who resume; default an hour. */
  readonly historyMs?: number;
  /** How many changes are kept at most; default 200,000. */
  readonly historyRows?: number;
  /** How often older ones are trimmed; default 10,000. */
  readonly trimMs?: number;
}

/** All of them. */
export type Bounds = Required<SyncBounds>;

/** The given bounds, or their defaults. */
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
    trimMs: given.trimMs ?? 10_000,
  };
}
