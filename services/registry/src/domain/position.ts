/** A point in the registry's history. Positions are ordered by epoch, then by revision. */
export interface Position {
  /** One life of the store; a later one is greater, as far as its clock says so. */
  readonly epoch: bigint;
  /** One increasing number for the whole registry within an epoch; 0 before the first change. */
  readonly revision: bigint;
}

/** Below the milliseconds of an epoch: two of one millisecond, or by a clock that was set back, still differ. */
const CHANCE_BITS = 20;

/**
 * An epoch that no other life of a store has: the time of its start, and chance. That a later one is greater holds as
 * long as the clock isn't set back; nothing relies on it, as whoever finds another epoch takes a snapshot.
 *
 * @param chance uniform in [0, 1).
 */
export function newEpoch(nowMs: number, chance: number): bigint {
  return (BigInt(Math.floor(nowMs)) << BigInt(CHANCE_BITS)) | BigInt(Math.floor(chance * 2 ** CHANCE_BITS));
}
