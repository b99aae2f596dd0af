/** How long a process has a job without a sign of life, in milliseconds. */
export const LEASE_MS = 30_000;

/** An attempt at a job. */
export interface Attempt {
  readonly id: bigint;
  readonly method: string;
  readonly key: string;
  /** Of its lane one is made at a time; null for none. */
  readonly lane: string | null;
  readonly request: Uint8Array;
  readonly version: number;
  readonly claim: string;
  /** With this one. */
  readonly attempts: number;
  readonly traceparent: string;
  readonly createTime: Date;
}

/** How many jobs of a method a process takes. */
export interface Wanted {
  readonly method: string;
  readonly most: number;
  /** How many may run in all processes; null for no bound. */
  readonly maxRunning: number | null;
}

/** What a process has taken. */
export interface Claimed {
  readonly attempts: readonly Attempt[];
  /** Whether there may be more. */
  readonly more: boolean;
}
