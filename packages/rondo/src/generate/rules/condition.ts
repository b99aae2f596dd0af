/** What a rule of `buf.validate` becomes: the conditions under which a value violates it. */

/** What is checked. */
export interface Context {
  /** The expression of the value. */
  readonly value: string;
  /** Declares a constant of the file, and returns its name. */
  readonly constant: (code: string, type?: string) => string;
  /** The numbers of an enum's values. */
  readonly values: readonly number[];
}

/** What a rule with presence of its own is looked up by. */
export interface Asked extends Context {
  readonly has: (name: string) => boolean;
}

/** The id of a rule in its kind, when the value violates it, and what it must be. */
export type Conditions = Generator<readonly [rule: string, when: string, text: string], void>;

/** Values that are allowed, and values that aren't. */
export function* membership<T>(
  rules: { readonly in: readonly T[]; readonly notIn: readonly T[] },
  among: (values: readonly T[]) => string,
  shown: (value: T) => unknown = (value) => value,
): Conditions {
  const listed = (values: readonly T[]) => `[${values.map(shown).join(', ')}]`;
  if (rules.in.length > 0) yield ['in', `!${among(rules.in)}`, `must be in list ${listed(rules.in)}`];
  if (rules.notIn.length > 0) yield ['not_in', among(rules.notIn), `must not be in list ${listed(rules.notIn)}`];
}

/** `2 items` */
export const counted = (count: bigint, one: string, many = `${one}s`): string =>
  `${count} ${count === 1n ? one : many}`;
