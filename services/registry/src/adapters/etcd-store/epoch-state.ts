import { TTL } from '../../domain/limits.js';
import { Catalog } from '../catalog/catalog.js';
import type { StoreOptions } from '../catalog/store-options.js';
import { Warming } from '../catalog/warming.js';
import { Watches } from '../catalog/watch.js';
import type { Keys } from './keys.js';
import type { EpochRecord } from './record.js';
import { type LeaseListener, Replica } from './replica.js';

/** The options of {@link createEpochState}. */
interface EpochStateOptions extends StoreOptions {
  readonly epoch: EpochRecord;
  readonly keys: Keys;
  readonly leases: LeaseListener;
  /** Called once, when warming ends. */
  readonly onWarm: () => void;
}

/** What a registry serves from during one epoch. */
export interface EpochState {
  readonly epoch: bigint;
  readonly catalog: Catalog;
  readonly replica: Replica;
  readonly watches: Watches;
  readonly warming: Warming;
  /** Ends the watches. */
  close(): void;
}

/** Creates the state of an epoch, without instances. */
export function createEpochState(options: EpochStateOptions): EpochState {
  const { keys, leases, clock, wallClock, random, log, limits, onWarm } = options;
  const { warmingMs = TTL.defaultMs, watchRestMs: restMs = 0, removalsKept } = options;
  const { epoch, startTimeMs } = options.epoch;
  const catalog = new Catalog({ epoch, removalsKept });
  // Another registry may have begun the epoch by its own clock. If that clock is ahead, warming doesn't take longer.
  const ageMs = Math.max(0, wallClock.now().getTime() - startTimeMs);
  const warming = new Warming(clock, warmingMs - ageMs, onWarm);
  const watches = new Watches({ catalog, clock, random, restMs, warming: () => warming.active }, limits.watches);
  return {
    epoch,
    catalog,
    replica: new Replica({ keys, catalog, leases, log }),
    watches,
    warming,
    close() {
      watches.close();
      warming.close();
    },
  };
}
