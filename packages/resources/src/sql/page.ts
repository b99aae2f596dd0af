const LEAST = 0n;
const MOST = 2n ** 63n - 1n;

/** What part of a list is asked for: at most `size` rows, after a position. */
interface PageQuery {
  readonly size: number;
  readonly after: bigint | undefined;
}

/**
 * The parameters of a list the oldest first: after which `sequence`, and one row more than the page has, to see whether
 * it is the last.
 */
export function ascending({ after, size }: PageQuery): readonly [after: bigint, limit: number] {
  return [after ?? LEAST, size + 1];
}

/** The parameters of a list the newest first: before which `sequence`, and one row more than the page has. */
export function descending({ after, size }: PageQuery): readonly [before: bigint, limit: number] {
  return [after ?? MOST, size + 1];
}

/** The page in `rows`, which were read with one row more than it has. */
export function pageOf<Row extends { readonly sequence: bigint }, T>(
  rows: readonly Row[],
  { size }: PageQuery,
  toItem: (row: Row) => T,
): { readonly items: readonly T[]; readonly next: bigint | undefined } {
  const items = rows.slice(0, size);
  return { items: items.map(toItem), next: rows.length > size ? items.at(-1)?.sequence : undefined };
}
