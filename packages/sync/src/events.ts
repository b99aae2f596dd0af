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
