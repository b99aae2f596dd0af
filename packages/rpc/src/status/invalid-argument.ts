import { serverErrors } from '../errors/server.js';
import type { RpcError } from './rpc-error.js';
import { describeViolations, type FieldViolation } from './violation.js';

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

/** More are of no use to a caller, and a request may have millions. */
export const MAX_VIOLATIONS = 100;

/**
 * Like {@link validate}, but reports `known` violations together with those that `read` finds. For a field with a
 * known violation, what `read` reports is dropped, because one reason is enough.
 */
export function validateWith<T>(known: readonly FieldViolation[], read: (field: FieldAt) => T): T {
  const violations = [...known];
  const report = (field: string, description: string) => {
    if (violations.length >= MAX_VIOLATIONS) return;
    if (!known.some((violation) => violation.field === field)) violations.push({ field, description });
  };
  const value = readUnless(violations, () => read((field) => (description) => report(field, description)));
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

/**
 * `INVALID_ARGUMENT` with a `google.rpc.BadRequest` that lists the violations. The message lists them too. If there are
 * too many, both list the first ones, and the message says how many are left.
 *
 * @param violations at least one.
 */
export function invalidArgument(violations: readonly FieldViolation[]): RpcError {
  const { message, details } = describeViolations(violations);
  return serverErrors.INVALID_FIELDS({ fieldsWithTheirRules: message }, { details });
}
