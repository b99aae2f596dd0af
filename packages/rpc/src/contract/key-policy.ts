import type { Idempotency as IdempotencyOption } from '@rondo/contracts/rondo/options/v1/options';
import { Status, statusFromCode, statusName } from '../status/code.js';
import type { MethodDefinition } from './definition.js';
import { checkMs, toMs } from './duration.js';
import { type RequestShape, readShape } from './request-digest.js';
import { DEFAULT_RETRY, type RetryPolicy } from './retry-policy.js';

/** How a server recognises a call that it gets again: its idempotency key. */
export interface KeyPolicy {
  readonly source: KeySource;
  /** How long the outcome of a call is stored at least. Milliseconds. */
  readonly retentionMs: number;
  /** The errors that are stored as outcomes. */
  readonly finalCodes: ReadonlySet<number>;
  /** What a digest of a request needs to know of its type. */
  readonly shape: RequestShape;
}

/** Where the key of a call is. */
export type KeySource =
  /** A field of the request: its name in code and in the contract. */
  | { readonly from: 'field'; readonly name: string; readonly inContract: string }
  | { readonly from: 'metadata'; readonly key: string };

/** The tag of the shape that the generator adds to the options of a method: field 50552. */
export const SHAPE_TAG = (50552 << 3) | 2;
const DEFAULT_RETENTION_MS = 24 * 3_600_000;
const RETENTION_RANGE = [60_000, 365 * 24 * 3_600_000] as const;

/** The policy that a contract declares. */
export function keyOf(
  { source, retention, finalCodes }: IdempotencyOption,
  shape: Uint8Array | undefined,
  nameInCode: (name: string) => string,
): KeyPolicy {
  const name = source?.value ?? '';
  return {
    source:
      source?.$case === 'metadata'
        ? { from: 'metadata', key: name }
        : { from: 'field', name: nameInCode(name), inContract: name },
    retentionMs: retention === undefined ? DEFAULT_RETENTION_MS : toMs(retention),
    finalCodes: new Set(finalCodes),
    shape: readShape(shape),
  };
}

/** Errors that say nothing about the request, and so are never its outcome. */
const NEVER_FINAL: ReadonlySet<number> = new Set<number>([
  Status.OK,
  Status.CANCELLED,
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.UNAVAILABLE,
]);

/** What is wrong with the policy, as the end of a sentence; undefined if nothing is. */
export function checkKey(
  { source, retentionMs, finalCodes }: KeyPolicy,
  { requestStream, responseStream, options }: Pick<MethodDefinition, 'requestStream' | 'responseStream' | 'options'>,
  retry: RetryPolicy = DEFAULT_RETRY,
): string | undefined {
  if (requestStream || responseStream) return ' is for a method with one request and one reply; leave it out';
  const { idempotencyLevel = 'IDEMPOTENCY_UNKNOWN' } = options;
  if (idempotencyLevel !== 'IDEMPOTENCY_UNKNOWN') {
    return ` is for a method that is not safe to repeat, and idempotency_level is ${idempotencyLevel}; leave one of the two out`;
  }
  if ((source.from === 'field' ? source.name : source.key) === '') return ' names neither a field nor a metadata key';
  const fault = checkMs(retentionMs, RETENTION_RANGE);
  if (fault !== undefined) return `.retention ${fault}`;
  for (const code of finalCodes) {
    const known = statusFromCode(code);
    if (known !== code) return `.final_codes has ${code}, which is no status code of gRPC; name one`;
    const name = statusName(known);
    if (NEVER_FINAL.has(code)) return `.final_codes has ${name}, which says nothing final; leave it out`;
    if (retry.codes.has(code)) return `.final_codes has ${name}, which retry.codes has, too; leave it out of one`;
  }
  return undefined;
}
