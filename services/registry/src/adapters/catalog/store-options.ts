import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import type { ExpiryGuardOptions } from '../../domain/expiry-guard.js';
import type { TotalLimits } from '../../domain/limits.js';

/** The options of every store. */
export interface StoreOptions {
  /** Measures leases and watches. */
  readonly clock: Clock;
  /** Bounds incarnations and gives the times that callers see. */
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: TotalLimits;
  /**
   * How long after an empty start the store reports that instances may still register again, in milliseconds: a TTL by
   * default; 0 turns it off.
   */
  readonly warmingMs?: number;
  /**
   * How long a watch waits after it has sent changes, in milliseconds, so that it sends the changes of this time
   * together; 0, the default, turns it off.
   */
  readonly watchRestMs?: number;
  /**
   * How many removals the store remembers for watches that resume. A removal counts once for each service of its
   * instance.
   */
  readonly removalsKept?: number;
}

/** Logs one line when the guard begins to hold expiry back, and one when it ends. */
export function logGuard(log: Logger): ExpiryGuardOptions {
  return {
    onBegin({ lapsed, size }) {
      const remedy = 'look at the network between them and the registry';
      const message = `${lapsed} of ${size} leases ran out inside one TTL: expiry is held back for up to three; ${remedy}`;
      log.error({ lapsed, size }, message);
    },
    onEnd({ held, back, expired }) {
      const message = `expiry is no longer held back: of ${held} instances ${back} are back, ${expired} expired`;
      log.info({ held, back, expired }, message);
    },
  };
}
