import type { Instance } from './instance.js';
import type { Position } from './position.js';

/** Why an instance left: it said goodbye, its lease ran out, or it registered again without the service. */
export type RemovalReason = 'deregistered' | 'expired' | 'replaced';

/** An instance that left. */
export interface Removal {
  readonly instanceId: string;
  readonly reason: RemovalReason;
}

/** One event of a watch. */
export type WatchEvent = SnapshotPart | Snapshot | Delta | Progress;

interface Known {
  /** What the watcher knows once it has applied the event. */
  readonly position: Position;
  /** Whether the store is so freshly started that what it doesn't name may still come back. */
  readonly warming: boolean;
}

/** A part of a snapshot; the next event goes on with it. Nobody can resume from it, so it has no position. */
export interface SnapshotPart extends Omit<Known, 'position'> {
  readonly kind: 'snapshot-part';
  readonly instances: readonly Instance[];
}

/** The whole state of what is watched, or the last part of it. */
export interface Snapshot extends Known {
  readonly kind: 'snapshot';
  readonly instances: readonly Instance[];
}

/** What changed since the event before; where an instance changed more than once, its latest state. */
export interface Delta extends Known {
  readonly kind: 'delta';
  readonly upserts: readonly Instance[];
  readonly removals: readonly Removal[];
}

/** Nothing changed; the position is as new as the store. */
export interface Progress extends Known {
  readonly kind: 'progress';
}
