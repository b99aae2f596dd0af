import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { Status } from './code.js';
import { packDetail } from './detail.js';
import { RpcError } from './rpc-error.js';

/** Says what is wrong with one field, and the remedy. */
export type ReportFault = (description: string) => void;

/** Where the faults of the field at a path go; the path is as the contract spells it. */
export type FieldAt = (path: string) => ReportFault;

/**
 * Reads a whole request before it says what is wrong with it, so that its caller learns everything at once. What `read`
 * makes of a faulty field is a stand-in that nobody sees.
 *
 * @throws RpcError `INVALID_ARGUMENT` with every violation.
 */
export function validate<T>(read: (field: FieldAt) => T): T {
  const violations: FieldViolation[] = [];
  const value = read((field) => (description) => violations.push({ field, description }));
  if (violations.length > 0) throw invalidArgument(violations);
  return value;
}

/** The value itself, once its rule has been asked. */
export function checked<T>(report: ReportFault, value: T, rule: (value: T) => string | undefined): T {
  const fault = rule(value);
  if (fault !== undefined) report(fault);
  return value;
}

/** What is wrong with one field of a request: which field, which rule, and the remedy. */
export interface FieldViolation {
  /** The field's path as the contract spells it, such as `quote.lines[0].quantity`. */
  readonly field: string;
  readonly description: string;
}

/**
 * What all violations of an error may have together. A status travels in a header block, of which gRPC's C core (clients
 * in Python, C++, Ruby) takes 8 KiB; for more it tells its caller `RESOURCE_EXHAUSTED` instead. Each text stands there
 * three times, in `grpc-message` with up to three bytes for one.
 */
const MAX_TEXT_BYTES = 1500;
/** What one of them may have, as it may repeat what a caller sent. */
const MAX_DESCRIPTION_LENGTH = 300;

/**
 * `INVALID_ARGUMENT` with a `google.rpc.BadRequest` that lists the violations; the message lists them too. Of many, both
 * list the first ones, and the message says how many are left.
 *
 * @param violations at least one.
 */
export function invalidArgument(violations: readonly FieldViolation[]): RpcError {
  const fieldViolations = leading(violations.map(shortened));
  const texts = fieldViolations.map(textOf);
  const left = violations.length - fieldViolations.length;
  const message = (left === 0 ? texts : [...texts, `and ${left} more`]).join('; ');
  return new RpcError(Status.INVALID_ARGUMENT, message, { details: [packDetail(BadRequest, { fieldViolations })] });
}

/** The first violations that fit together, at least one. */
function leading(violations: readonly FieldViolation[]): readonly FieldViolation[] {
  let sizeBytes = 0;
  const surplus = violations.findIndex((violation, index) => {
    sizeBytes += Buffer.byteLength(textOf(violation));
    return index > 0 && sizeBytes > MAX_TEXT_BYTES;
  });
  return surplus < 0 ? violations : violations.slice(0, surplus);
}

function textOf({ field, description }: FieldViolation): string {
  return `${field}: ${description}`;
}

function shortened({ field, description }: FieldViolation): FieldViolation {
  if (description.length <= MAX_DESCRIPTION_LENGTH) return { field, description };
  // Not between the two units of one character.
  const kept = description.slice(0, MAX_DESCRIPTION_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '');
  return { field, description: `${kept}…` };
}
