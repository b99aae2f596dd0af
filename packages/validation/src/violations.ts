/** A violation of one rule. */
export interface Violation {
  /** The field's path as in the contract, such as `quote.lines[0].quantity`; empty for the message itself. */
  readonly field: string;
  /** The rule's id in `buf.validate`, such as `string.min_len`. */
  readonly rule: string;
  /** What the value must be. */
  readonly text: string;
}

/** The violations found so far; undefined for none, so that a valid message allocates nothing. */
export type Violations = Violation[] | undefined;

/** Adds a violation. */
export function fault(violations: Violations, field: string, [rule, text]: readonly [string, string]): Violation[] {
  const added = violations ?? [];
  added.push({ field, rule, text });
  return added;
}

/** Adds what was found in the message at `path`. */
export function within(violations: Violations, path: string, inner: Violations): Violations {
  if (inner === undefined) return violations;
  const added = violations ?? [];
  for (const { field, rule, text } of inner) {
    added.push({ field: field === '' ? path : `${path}.${field}`, rule, text });
  }
  return added;
}
