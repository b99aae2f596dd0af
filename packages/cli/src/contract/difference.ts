import type { DescEnum, DescMessage } from '@bufbuild/protobuf';

/** One thing in which a version of a contract differs from another, as its callers see it. */
export interface Difference {
  /**
   * `incompatible`: callers and servers of the two misread each other, on the wire or in JSON. `added` and `removed`: only
   * one of the two has it, which the other leaves alone. `changed`: it is written otherwise, and read all the same.
   */
  readonly kind: 'incompatible' | 'added' | 'removed' | 'changed';
  /** A sentence about the version, such as `AddRequest.b is string instead of int64`; what it is where only one has it. */
  readonly text: string;
}

/** Two versions of a type that a call may carry, still to be compared. */
export type TypePair =
  | readonly [before: DescMessage, after: DescMessage]
  | readonly [before: DescEnum, after: DescEnum];

/** What comparing two things found, and which types they lead to. */
export interface Found {
  readonly differences: readonly Difference[];
  readonly types: readonly TypePair[];
}

/** The difference that `name` isn't what it was. */
export function instead(
  kind: 'incompatible' | 'changed',
  name: string,
  { is, was }: Readonly<Record<'is' | 'was', string>>,
) {
  return { kind, text: `${name} is ${is} instead of ${was}` } satisfies Difference;
}

/** What `pairs` by key says of two lists: which entries both have, and which only one of them. */
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
