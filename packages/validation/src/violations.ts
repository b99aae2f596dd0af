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

/** More are of no use to a caller. The texts of all that a request of 4 MiB can have would stall other calls for seconds. */
export const MAX_VIOLATIONS = 100;

/** Adds a violation, up to {@link MAX_VIOLATIONS}. */
export function add(violations: Violations, violation: Violation): Violation[] {
  const added = violations ?? [];
  if (added.length < MAX_VIOLATIONS) added.push(violation);
  return added;
}

/** Adds a violation of a rule. */
export function fault(violations: Violations, field: string, [rule, text]: readonly [string, string]): Violation[] {
  return add(violations, { field, rule, text });
}

/** Adds what was found in the message at `path`. */
export function within(violations: Violations, path: string, inner: Violations): Violations {
  let added = violations;
  for (const { field, rule, text } of inner ?? [])
    added = add(added, { field: field === '' ? path : `${path}.${field}`, rule, text });
  return added;
}
