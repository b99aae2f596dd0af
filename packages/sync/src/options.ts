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

/** Time and chance as this package sees them; those of `@rondo/rpc/clock` fit. */
export interface SyncClock {
  /** Milliseconds, never going back. */
  now(): number;
  /** Runs `callback` once, `delayMs` from now, unless it is cancelled before. */
  setTimer(delayMs: number, callback: () => void): { cancel(): void };
}

/** The machine's clock. */
export const systemClock: SyncClock = {
  now: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** What happens inside, for counters and gauges. */
export type SyncEvent =
  /** So many changes got their positions by this process. */
  | { readonly kind: 'relayed'; readonly changes: number }
  /** So many changes reached this process; the oldest of them was written so long ago, by the clocks of both. */
  | { readonly kind: 'received'; readonly changes: number; readonly position: bigint; readonly lagMs: number }
  /** So many watchers are open now. */
  | { readonly kind: 'watchers'; readonly open: number }
  /** A watcher began with a snapshot, as it had no token, or an old one. */
  | { readonly kind: 'snapshot'; readonly topic: string; readonly tokenGiven: boolean }
  /** A watcher was too slow and was told to resume. */
  | { readonly kind: 'overflowed'; readonly topic: string }
  /** So many changes were removed from the history. */
  | { readonly kind: 'trimmed'; readonly changes: number };

/** Told of each; must not throw. */
export type OnSyncEvent = (event: SyncEvent) => void;

/** A log of the kind that `@rondo/rpc/call` has. */
export interface SyncLog {
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}
