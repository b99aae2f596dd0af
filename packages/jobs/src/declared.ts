/** What a contract says of a job, and what contradicts itself in it: at the start of a service, and when contracts are generated. */
import type { Job, MaxRunningPerKey, Overlap } from '@rondo/contracts/rondo/options/v1/options';
import { Occurrences } from './occurrences.js';

/** A job as its contract declares it, with defaults filled in. */
export interface DeclaredJob {
  readonly maxAttempts: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  /** How many run at once in all replicas; undefined for no bound. */
  readonly maxRunning: number | undefined;
  /** How many with one value of a field run at once in all replicas; the field as the contract has it. */
  readonly maxRunningPerKey: MaxRunningPerKey | undefined;
  /** When it is called by itself. */
  readonly occurrences: Occurrences | undefined;
  /** What becomes of a time at which the job of an earlier one hasn't ended. */
  readonly overlap: Overlap | undefined;
}

/** What else the contract says of the method. */
export interface DeclaredMethod {
  readonly isUnary: boolean;
  /** Whether it may be called again: by its idempotency, or its `idempotency_level`. */
  readonly isRepeatable: boolean;
  /** The field of the request that has its key. */
  readonly keyField: string | undefined;
  /** The scopes that a principal needs. */
  readonly scopes: readonly string[];
}

const DEFAULT_ATTEMPTS = 12;
const DEFAULT_BASE_MS = 1_000;
const DEFAULT_MAX_MS = 3_600_000;
const DAY_MS = 86_400_000;

export function declaredJob(job: Job): DeclaredJob {
  const baseMs = job.initialBackoff === undefined ? DEFAULT_BASE_MS : toMs(job.initialBackoff);
  const maxMs = job.maxBackoff === undefined ? Math.max(baseMs, DEFAULT_MAX_MS) : toMs(job.maxBackoff);
  return {
    maxAttempts: job.maxAttempts || DEFAULT_ATTEMPTS,
    backoff: { baseMs, maxMs },
    maxRunning: job.maxRunning || undefined,
    maxRunningPerKey: job.maxRunningPerKey,
    occurrences: job.schedule && new Occurrences(job.schedule),
    overlap: job.schedule?.overlap,
  };
}

/** What is wrong with it, as the end of a sentence that begins with `job`; undefined if nothing is. */
export function faultOf(
  { maxAttempts, backoff: { baseMs, maxMs }, maxRunning = 1, maxRunningPerKey, occurrences }: DeclaredJob,
  { isUnary, isRepeatable, keyField, scopes }: DeclaredMethod,
): string | undefined {
  if (!isUnary) return ' is for a method with one request and one reply; leave it out';
  if (!isRepeatable)
    return ' calls more than once: give the method idempotency: {metadata: "idempotency-key"}, or an idempotency_level';
  if (keyField !== undefined)
    return ` has a key of its own for each call, and idempotency.field is ${keyField}: give idempotency.metadata instead`;
  if (scopes.length > 0)
    return ` acts for no principal, and auth.scopes has ${scopes[0]}: give auth.callers with the name of the service itself`;
  if (maxAttempts < 1 || maxAttempts > 100) return `.max_attempts is ${maxAttempts}; it must be from 1 to 100`;
  if (baseMs < 1 || baseMs > DAY_MS) return `.initial_backoff is ${baseMs} ms; it must be from 1 ms to 1 day`;
  if (maxMs < baseMs || maxMs > DAY_MS) return `.max_backoff is ${maxMs} ms; it must be from initial_backoff to 1 day`;
  if (maxRunning < 1 || maxRunning > 1_000) return `.max_running is ${maxRunning}; it must be from 1 to 1,000`;
  const { field = 'none', running = 1 } = maxRunningPerKey ?? {};
  if (field === '') return '.max_running_per_key names no field; give the one by which jobs belong together';
  if (running < 1 || running > 1_000) return `.max_running_per_key.running is ${running}; it must be from 1 to 1,000`;
  return occurrences?.fault === undefined ? undefined : `.schedule${occurrences.fault}`;
}

/** A duration in milliseconds. */
export const toMs = ({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }) =>
  Number(seconds) * 1_000 + nanos / 1e6;
