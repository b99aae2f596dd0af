import { type FieldViolation, invalidArgument } from './invalid-argument.js';

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
