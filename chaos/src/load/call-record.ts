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
  /** Who served it, as `rondo-served-by` says; empty for nobody. */
  readonly instance: string;
  /** Why it failed. */
  readonly message?: string;
  /** Where it was tried; missing where the first try was served. */
  readonly tries?: readonly TryRecord[];
}

/** What a load prints, one a line. */
export interface LoadWindow {
  readonly calls: readonly CallRecord[];
  /** The longest that the load's process stood still. Milliseconds. */
  readonly stallMs: number;
}
