import type { DescEnum, DescMessage } from '@bufbuild/protobuf';

/** A difference between two versions of a contract. */
export interface Difference {
  /**
   * `incompatible`: callers and servers of the two versions misread each other, on the wire or in JSON. `added`, `removed`:
   * only one version has it, and the other ignores it. `changed`: the source differs, but each can read the other.
   */
  readonly kind: 'incompatible' | 'added' | 'removed' | 'changed';
  /** A sentence such as `AddRequest.b is string instead of int64`; if only one version has it, its name, such as `field b`. */
  readonly text: string;
}

/** Two versions of a type, still to be compared. */
export type TypePair =
  | readonly [before: DescMessage, after: DescMessage]
  | readonly [before: DescEnum, after: DescEnum];

/** The differences between two things, and the types that remain to be compared. */
export interface Found {
  readonly differences: readonly Difference[];
  readonly types: readonly TypePair[];
}

/** The difference `name is X instead of Y`. */
export function instead(
  kind: 'incompatible' | 'changed',
  name: string,
  { is, was }: Readonly<Record<'is' | 'was', string>>,
) {
  return { kind, text: `${name} is ${is} instead of ${was}` } satisfies Difference;
}

/** The entries of two lists by key: those in both, and those in only one. */
export interface Pairs<T> {
  readonly both: readonly (readonly [before: T, after: T])[];
  readonly removed: readonly T[];
  readonly added: readonly T[];
}

/** Pairs the entries of two lists by a key that is unique in each. */
export function pair<T>(before: readonly T[], after: readonly T[], keyOf: (entry: T) => string | number): Pairs<T> {
  const later = new Map(after.map((entry) => [keyOf(entry), entry]));
  const both: [T, T][] = [];
  const removed: T[] = [];
  for (const entry of before) {
    const match = later.get(keyOf(entry));
    if (match === undefined) removed.push(entry);
    else both.push([entry, match]);
    later.delete(keyOf(entry));
  }
  return { both, removed, added: [...later.values()] };
}
