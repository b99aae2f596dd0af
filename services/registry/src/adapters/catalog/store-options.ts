import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import type { TotalLimits } from '../../domain/limits.js';

/** What every store is made from, wherever it keeps what it holds. */
export interface StoreOptions {
  /** By which leases and watches live. */
  readonly clock: Clock;
  /** By which incarnations are bounded, and the times told that others read. */
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: TotalLimits;
  /** How long after an empty start it says that instances may still come back: a TTL by default, 0 for not at all. */
  readonly warmingMs?: number;
  /** How long a watch rests after it told of changes, so that what comes at once is told as one; 0, the default, for not at all. */
  readonly watchRestMs?: number;
  /** How many removals it remembers for watches that resume, each counted once for every service of its instance. */
  readonly removalsKept?: number;
}
