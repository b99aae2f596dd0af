import { type FieldViolation, invalidArgument } from '@rondo/rpc/status';
import type { DecimalFormat } from '../decimal.js';
import { readFormat } from '../evaluate-request.js';
import type { EncodedRequest } from './encoded-request.js';

/** The most expressions of one batch. */
export const MAX_BATCH = 100_000;

/** The most expressions of one part; few enough that what is lost with an instance is little. */
export const MAX_PART = 5_000;

/** The most that several expressions of one part have as encoded: so much that the worst of them take a few seconds. */
export const MAX_PART_BYTES = 128 * 1024;

/** How the results of a batch or a part are written. @throws RpcError `INVALID_ARGUMENT` that lists what is wrong with it. */
export function checked(
  { ends, scale, rounding }: EncodedRequest,
  { most, remedy }: { readonly most: number; readonly remedy: string },
): DecimalFormat {
  const violations: FieldViolation[] = [];
  if (ends.length > most) {
    violations.push({ field: 'expressions', description: `must be at most ${most}, are ${ends.length}; ${remedy}` });
  }
  const format = readFormat({ scale, rounding }, violations);
  if (format === undefined || violations.length > 0) throw invalidArgument(violations);
  return format;
}
