import type { MetadataValue } from '../call/metadata.js';

// How clients and servers tell each other about retries. Source: gRFC A6.

/** The request's key for the number of attempts before this one. */
export const PREVIOUS_ATTEMPTS = 'grpc-previous-rpc-attempts';
/** The trailing metadata key by which a server asks for a wait before a retry, or for no retry. */
export const RETRY_PUSHBACK = 'grpc-retry-pushback-ms';

const MAX_INT32 = 2 ** 31 - 1;

/** The number of earlier attempts that a client sent; undefined if it sent none, or no number. */
export function readPreviousAttempts(value: MetadataValue | undefined): number | undefined {
  const count = readInteger(value);
  return count === undefined || count < 1 ? undefined : count;
}

/** What a server asks for: milliseconds, or -1 for no retry, as for any value that is no number. Undefined: nothing. */
export function readRetryPushback(value: MetadataValue | undefined): number | undefined {
  return value === undefined ? undefined : (readInteger(value) ?? -1);
}

/** The text of a pushback. */
export function formatRetryPushback(ms: number): string {
  return String(Math.min(Math.max(Math.ceil(ms), -1), MAX_INT32));
}

function readInteger(value: MetadataValue | undefined): number | undefined {
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  return number <= MAX_INT32 ? number : undefined;
}
