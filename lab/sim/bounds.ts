/** The registry's promises in milliseconds, and the durations of a simulation. */
export const BOUNDS = {
  /** How long faults are injected. */
  chaosMs: 60_000,
  /** Every lease has the default TTL. */
  ttlMs: 10_000,
  /** The time after the end of its lease by which an instance is removed. */
  expirySlackMs: 1_000,
  /** For how many TTLs the expiry guard may hold an expiry back. */
  heldBackTtls: 3,
  /**
   * The time after the registry's return by which an instance is registered again, including the duration of a call.
   */
  registeredAgainMs: 10_500,
  /** How long a client may need to use an instance that is reachable again: its backoff and two connection attempts. */
  reconnectMs: 3_500,
  /** How long a client may keep an instance ejected that answers well again. */
  readmittedMs: 10_000,
  /** The maximum delay of a duplicated call. */
  lateMs: 3_000,
  /** The time by which a client knows that a peer is silent. */
  silenceMs: 1_250,
  /** Long enough to wait for one silent instance and retry at another. */
  callTimeoutMs: 2_000,
  /** The most attempts of a call, as its contract has it. */
  maxAttempts: 3,
  auditMs: 2_000,
} as const;

/**
 * How long there are no faults before everything must have converged, in milliseconds. It covers an expiry that was
 * held back, a process that waited for it and tries again after a TTL, and a registry that came back at the very end
 * and warmed up.
 */
export const QUIET_MS = (BOUNDS.heldBackTtls + 2) * BOUNDS.ttlMs + BOUNDS.lateMs + 8_000;
