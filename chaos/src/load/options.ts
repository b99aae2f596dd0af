/** A guard that a client of a control run goes without. */
export type ClientGuard =
  /** It believes what the registry says, or doesn't say: no answer is an empty one. */
  | 'last-known-good'
  /** It asks the registry now and then instead of watching it. */
  | 'watch'
  /** It doesn't look at its connections, and tries nothing elsewhere. */
  | 'elsewhere'
  /** It calls whom it isn't connected to, however long connecting takes. */
  | 'connect-timeout'
  /** It doesn't ask its connections whether they are alive. */
  | 'keepalive'
  /** It waits for an instance until the deadline. */
  | 'fail-fast';

/** What a load calls, and how. */
export interface LoadOptions {
  /** `add` is safe to repeat; `create` isn't. */
  readonly method: 'add' | 'create';
  readonly callsPerSecond: number;
  readonly timeoutMs: number;
  readonly registry: readonly string[];
  /** Calls these addresses alone, and looks nothing up. */
  readonly addresses?: readonly string[];
  /** Missing for a client as it comes. */
  readonly without?: ClientGuard;
}

/** How options reach the load's process. */
export const LOAD_OPTIONS = 'CHAOS_LOAD';
