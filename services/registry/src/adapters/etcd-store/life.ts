import { TTL } from '../../domain/limits.js';
import { Catalog } from '../catalog/catalog.js';
import type { StoreOptions } from '../catalog/store-options.js';
import { Warming } from '../catalog/warming.js';
import { Watches } from '../catalog/watches.js';
import type { Keys } from './keys.js';
import type { EpochRecord } from './record.js';
import { type LeaseListener, Replica } from './replica.js';

/** What a life is made from. */
export interface LifeOptions extends StoreOptions {
  readonly epoch: EpochRecord;
  readonly keys: Keys;
  readonly leases: LeaseListener;
  /** Runs once, when the warming is over. */
  readonly onWarm: () => void;
}

/** What a registry serves from within one epoch. */
export interface Life {
  readonly epoch: bigint;
  readonly catalog: Catalog;
  readonly replica: Replica;
  readonly watches: Watches;
  readonly warming: Warming;
  /** Ends its watches. */
  close(): void;
}

/** Begins one, with nothing in it. */
export function createLife(options: LifeOptions): Life {
  const { keys, leases, clock, wallClock, random, log, limits, onWarm } = options;
  const { warmingMs = TTL.defaultMs, watchRestMs: restMs = 0, removalsKept } = options;
  const { epoch, startTimeMs } = options.epoch;
  const catalog = new Catalog({ epoch, removalsKept });
  // Another registry may have begun it, by a clock of its own: that one being ahead makes it no longer.
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
