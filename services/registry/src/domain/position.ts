/** A point in the registry's history. Positions are ordered by epoch, then by revision. */
export interface Position {
  /** One life of the store; a later one is greater. */
  readonly epoch: bigint;
  /** One increasing number for the whole registry within an epoch; 0 before the first change. */
  readonly revision: bigint;
}
