/**
 * Whether an instance takes calls: `starting` while one of its own dependencies is away, whether for the first time
 * or again; `draining` once it is told to stop, for good.
 */
export type Phase = 'starting' | 'serving' | 'draining';

/** An instance's phase, and what it waits for while it is `starting`. */
export interface Readiness {
  readonly phase: Phase;
  /** The dependencies that are away, as they stand in a sentence: `the database at db:5432`. */
  readonly waitingFor: readonly string[];
}

/** The readiness of an instance whose own dependencies are `waitingFor` away. */
export function readinessOf(waitingFor: readonly string[]): Readiness {
  return { phase: waitingFor.length === 0 ? 'serving' : 'starting', waitingFor };
}

/** The readiness of an instance that is about to stop. */
export const DRAINING: Readiness = { phase: 'draining', waitingFor: [] };
