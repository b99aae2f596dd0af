/** The limits of one request. The contract states each next to its field. */
export const REQUEST_LIMITS = {
  instanceIdLength: 128,
  leaseIdLength: 128,
  secretBytes: { min: 16, max: 64 },
  endpoints: 8,
  addressLength: 255,
  protocols: 8,
  services: 64,
  serviceLength: 255,
  zoneLength: 128,
  versionLength: 128,
  weight: 1000,
  metadataEntries: 32,
  metadataKeyLength: 64,
  metadataValueLength: 256,
  fingerprintLength: 64,
  instanceTextSize: 16_384,
  pageSize: 1000,
  operatorReasonLength: 256,
  minPingIntervalMs: { min: 100, max: 30 * 86_400_000 },
} as const;

/** The weight of an instance that sends none. */
export const DEFAULT_WEIGHT = 100;

/** The bounds and the default of a lease's time to live. */
export const TTL = { minMs: 3000, maxMs: 600_000, defaultMs: 10_000 } as const;

/** The longest time that a watch sends nothing. */
export const PROGRESS_INTERVAL_MS = 5000;

/**
 * How long a watch waits after it has sent changes; it sends the changes of this time together. If many instances
 * register at once, a watcher gets ten events a second instead of one event an instance.
 */
export const WATCH_REST_MS = 100;

/** The limits of the registry as a whole. */
export interface TotalLimits {
  readonly instances: number;
  /** The number of services that have instances. */
  readonly services: number;
  /** The number of watches that are open at one time. */
  readonly watches: number;
  /** The number of instances for which an operator state is set. */
  readonly cordoned: number;
}

/** What one process can hold with room to spare. */
export const DEFAULT_TOTAL_LIMITS: TotalLimits = { instances: 20_000, services: 5000, watches: 5000, cordoned: 1000 };
