import type { Backoff as BackoffOption, Retry as RetryOption } from '@rondo/contracts/rondo/options/v1/options';
import { Status, statusFromCode, statusName } from '../status/code.js';
import { checkMs, toMs } from './duration.js';

/** How a failed call of a method is retried. */
export interface RetryPolicy {
  /** The most attempts of a call, with the first one. */
  readonly maxAttempts: number;
  /** The statuses from a server after which the call is retried. */
  readonly codes: ReadonlySet<number>;
  /** The bound of the first wait, and the highest bound. Milliseconds. */
  readonly backoff: { readonly initialMs: number; readonly maxMs: number };
}

/** The most attempts that a contract or a caller can ask for. Source: gRFC A6. */
export const MAX_ATTEMPTS = 5;
const DEFAULT_MAX_MS = 1_000;
const BACKOFF_RANGE = [1, 60_000] as const;

/** The retries of a method whose contract says only that it is safe to repeat. */
export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 3,
  codes: new Set<number>([Status.UNAVAILABLE]),
  backoff: { initialMs: 10, maxMs: DEFAULT_MAX_MS },
};

/** The policy that a contract declares, with defaults filled in. */
export function retryOf({ maxAttempts, codes, backoff }: RetryOption): RetryPolicy {
  return {
    maxAttempts: maxAttempts === 0 ? DEFAULT_RETRY.maxAttempts : maxAttempts,
    codes: codes.length === 0 ? DEFAULT_RETRY.codes : new Set(codes),
    backoff: backoffOf(backoff),
  };
}

function backoffOf(option: BackoffOption | undefined): RetryPolicy['backoff'] {
  const initialMs = option?.initial === undefined ? DEFAULT_RETRY.backoff.initialMs : toMs(option.initial);
  const maxMs = option?.max === undefined ? Math.max(initialMs, DEFAULT_MAX_MS) : toMs(option.max);
  return { initialMs, maxMs };
}

/** Codes after which no call can be retried: success, and the caller's own cancellation. */
const NEVER_RETRIED: ReadonlySet<number> = new Set<number>([Status.OK, Status.CANCELLED]);

/** What is wrong with the policy, as the end of a sentence; undefined if nothing is. */
export function checkRetry({ maxAttempts, codes, backoff: { initialMs, maxMs } }: RetryPolicy): string | undefined {
  if (maxAttempts < 1 || maxAttempts > MAX_ATTEMPTS) {
    return `.max_attempts is ${maxAttempts}; it must be from 1 to ${MAX_ATTEMPTS}`;
  }
  for (const code of codes) {
    const known = statusFromCode(code);
    if (known !== code) return `.codes has ${code}, which is no status code of gRPC; name one`;
    if (NEVER_RETRIED.has(code)) return `.codes has ${statusName(known)}, after which no call is retried; leave it out`;
  }
  const fault = checkMs(initialMs, BACKOFF_RANGE);
  if (fault !== undefined) return `.backoff.initial ${fault}`;
  const maxFault = checkMs(maxMs, [initialMs, BACKOFF_RANGE[1]]);
  return maxFault === undefined ? undefined : `.backoff.max ${maxFault}`;
}
