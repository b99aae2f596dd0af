/** What the registry promises, in milliseconds, and how long a simulation goes by that. */
export const BOUNDS = {
  /** How long faults go on. */
  chaosMs: 60_000,
  /** Every lease here is of the default TTL. */
  ttlMs: 10_000,
  /** An instance whose lease has run out is gone by then. */
  expirySlackMs: 1_000,
  /** How long the mass-expiry guard may hold an expiry back. */
  heldBackTtls: 3,
  /** By when an instance is back after the registry came back, with what a call may take. */
  registeredAgainMs: 10_500,
  /** How long a client may need to make use of an instance that can be reached again: its backoff and two connects. */
  reconnectMs: 3_500,
  /** The longest that a copied call may be late. */
  lateMs: 3_000,
  /** A connection whose other end is silent has ended by then. */
  silenceMs: 1_750,
  /** Enough to wait for one that is silent, and be tried at another. */
  callTimeoutMs: 2_000,
  auditMs: 2_000,
} as const;

/**
 * How long nothing is wrong before everything must have converged: expiries that are held back and run out then, a process
 * that waited for one of them and tries again after a TTL, and a registry that came back at the very end and has warmed up.
 */
export const QUIET_MS = (BOUNDS.heldBackTtls + 2) * BOUNDS.ttlMs + BOUNDS.lateMs + 8_000;
