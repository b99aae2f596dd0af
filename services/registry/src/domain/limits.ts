/** How much one caller may ask for; the contract states each beside its field. */
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

/** An instance's weight where it gives none. */
export const DEFAULT_WEIGHT = 100;

/** How long an instance may live without a renewal. */
export const TTL = { minMs: 3000, maxMs: 600_000, defaultMs: 10_000 } as const;

/** The longest that a watch stays silent. */
export const PROGRESS_INTERVAL_MS = 5000;

/**
 * How long a watch rests after it told of changes; those that come meanwhile are told as one. Where many instances come
 * at once, a watcher is told ten times a second instead of once an instance.
 */
export const WATCH_REST_MS = 100;

/** How much all callers together may ask for. */
export interface TotalLimits {
  readonly instances: number;
  /** Services that have instances. */
  readonly services: number;
  /** Watches open at one time. */
  readonly watches: number;
  /** Instances for which an operator has set a state. */
  readonly cordoned: number;
}

/** What one process carries with room to spare. */
export const DEFAULT_TOTAL_LIMITS: TotalLimits = { instances: 20_000, services: 5000, watches: 5000, cordoned: 1000 };
