import type { Page, PageQuery } from '../domain/page.js';

const MOST = 2n ** 63n - 1n;

/** The parameters of a list the newest first: before which `sequence`, and one row more than the page has. */
export function descending({ after, size }: PageQuery): readonly [before: bigint, limit: number] {
  return [after ?? MOST, size + 1];
}

/** The page in `rows`, which were read with one row more than it has, to see whether it is the last. */
export function pageOf<Row extends { readonly sequence: bigint }>(
  rows: readonly Row[],
  { size }: PageQuery,
): Page<Row> {
  const items = rows.slice(0, size);
  return { items, next: rows.length > size ? items.at(-1)?.sequence : undefined };
}
