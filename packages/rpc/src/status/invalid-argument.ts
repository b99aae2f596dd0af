import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { Status } from './code.js';
import { packDetail } from './detail.js';
import { RpcError } from './rpc-error.js';

/** Reports what is wrong with one field, and the remedy. */
export type ReportFault = (description: string) => void;

/** Returns the reporter of the field at `path`, which is written as in the contract. */
export type FieldAt = (path: string) => ReportFault;

/**
 * Reads a whole request and reports all violations together, so that the caller can correct them at once. `read`
 * returns some placeholder for a field that it reports; the result is then discarded.
 *
 * @throws RpcError `INVALID_ARGUMENT` with every violation.
 */
export function validate<T>(read: (field: FieldAt) => T): T {
  return validateWith([], read);
}

/**
 * Does as {@link validate}, and reports the violations that are known before with those that `read` finds. What `read` reports
 * of a field that is known to be invalid is dropped: one reason is enough.
 */
export function validateWith<T>(known: readonly FieldViolation[], read: (field: FieldAt) => T): T {
  const violations = [...known];
  const report = (field: string, description: string) => {
    if (!known.some((violation) => violation.field === field)) violations.push({ field, description });
  };
  const value = readUnless(violations, () => read((field) => (description) => report(field, description)));
  // @text <field>: <rule and remedy>; <field>: …
  // @cause Fields of the request break rules of the service. The text and the detail `google.rpc.BadRequest` list each field
  // with its rule.
  // @remedy Correct the fields that are named. `error.detail(BadRequest)` has them for programs.
  if (violations.length > 0 || value === undefined) throw invalidArgument(violations);
  return value.read;
}

/** A reader may stumble over what is reported already; then there is no value. */
function readUnless<T>(violations: readonly FieldViolation[], read: () => T): { readonly read: T } | undefined {
  try {
    return { read: read() };
  } catch (error) {
    if (violations.length === 0) throw error;
    return undefined;
  }
}

/** Returns `value`. Reports it if `rule` returns a fault. */
export function checked<T>(report: ReportFault, value: T, rule: (value: T) => string | undefined): T {
  const fault = rule(value);
  if (fault !== undefined) report(fault);
  return value;
}

/** A violation of one field: which field, which rule, and the remedy. */
export interface FieldViolation {
  /** The field's path as in the contract, such as `quote.lines[0].quantity`; empty for the message itself. */
  readonly field: string;
  readonly description: string;
}

/**
 * The longest text of all violations of one error together. A status travels in a header block, of which gRPC's C core
 * (clients in Python, C++, Ruby) takes 8 KiB; beyond that it reports `RESOURCE_EXHAUSTED` to its caller instead. Each
 * text is in the block three times, and in `grpc-message` with up to three bytes for one.
 */
const MAX_TEXT_BYTES = 1500;
/** The longest field and the longest description of one violation, as each may repeat text that a caller sent. */
const MAX_PART_LENGTH = 300;

/**
 * `INVALID_ARGUMENT` with a `google.rpc.BadRequest` that lists the violations. The message lists them too. If there are
 * too many, both list the first ones, and the message says how many are left.
 *
 * @param violations at least one.
 */
export function invalidArgument(violations: readonly FieldViolation[]): RpcError {
  const fieldViolations = leading(violations.map(shortened));
  const texts = fieldViolations.map(textOf);
  const left = violations.length - fieldViolations.length;
  const message = (left === 0 ? texts : [...texts, `and ${left} more`]).join('; ');
  // @rewraps the violations of its callers.
  return new RpcError(Status.INVALID_ARGUMENT, message, { details: [packDetail(BadRequest, { fieldViolations })] });
}

/** The first violations that fit together; at least one. */
function leading(violations: readonly FieldViolation[]): readonly FieldViolation[] {
  let sizeBytes = 0;
  const surplus = violations.findIndex((violation, index) => {
    sizeBytes += Buffer.byteLength(textOf(violation));
    return index > 0 && sizeBytes > MAX_TEXT_BYTES;
  });
  return surplus < 0 ? violations : violations.slice(0, surplus);
}

function textOf({ field, description }: FieldViolation): string {
  return field === '' ? description : `${field}: ${description}`;
}

function shortened({ field, description }: FieldViolation): FieldViolation {
  return { field: shorten(field), description: shorten(description) };
}

function shorten(text: string): string {
  if (text.length <= MAX_PART_LENGTH) return text;
  // Don't cut between the two code units of one character.
  return `${text.slice(0, MAX_PART_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
