/** A guard that a client of a control run goes without. */
export type ClientGuard =
  /** It takes what the registry says at its word: no answer counts as an empty one. */
  | 'last-known-good'
  /** It polls the registry instead of watching it. */
  | 'watch'
  /** It ignores the state of its connections, and retries nothing on another instance. */
  | 'elsewhere'
  /** It calls instances that it isn't connected to, however long connecting takes. */
  | 'connect-timeout'
  /** It sends no keepalive pings. */
  | 'keepalive'
  /** It waits for an instance until the call's deadline. */
  | 'fail-fast';

/** What a load calls, and how. */
export interface LoadOptions {
  /** `add` is safe to repeat; `subtract` isn't, as the load has no contract that says so. */
  readonly method: 'add' | 'subtract';
  readonly callsPerSecond: number;
  readonly timeoutMs: number;
  /** Asks another instance too if there is no answer for so long. Milliseconds. */
  readonly hedgeMs?: number;
  readonly registry: readonly string[];
  /** Calls only these addresses, without the registry. */
  readonly addresses?: readonly string[];
  /** The process at `addresses`, if it isn't the one that serves the method. */
  readonly through?: string;
  /** Calls these addresses, which are gateways, by HTTP/JSON: behind a load balancer, and with connections that are kept. */
  readonly over?: 'http1' | 'http2';
  /** Undefined for a client as it comes. */
  readonly without?: ClientGuard;
}

/** The variable that takes the options to the load's process, as JSON. */
export const LOAD_OPTIONS = 'CHAOS_LOAD';

/** One try of a call at one instance. */
export interface TryRecord {
  readonly instance: string;
  readonly address: string;
  readonly code: string;
  readonly ms: number;
}

/** One call of a load. */
export interface CallRecord {
  /** When it was made. Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly ms: number;
  /** Its status, such as `OK`. */
  readonly code: string;
  /** The instance that served it, by the trailer `rondo-served-by`; empty if none did. */
  readonly instance: string;
  /** The address that it was sent to, if the load calls `addresses`. */
  readonly gateway?: string;
  /** Why it failed. */
  readonly message?: string;
  /** Its tries; missing if the first try was served. */
  readonly tries?: readonly TryRecord[];
}

/** What a load prints: one a line, as JSON. */
export interface LoadWindow {
  readonly calls: readonly CallRecord[];
  /** The longest that the load's process stood still since the last window. Milliseconds. */
  readonly stallMs: number;
}
