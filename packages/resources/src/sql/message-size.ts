import type { KeyedRows } from '../sync/watch/watch.js';

/** A client accepts messages of 4 MiB by default. Some room is left for what isn't counted. */
const MAX_MESSAGE_BYTES = 3.5 * 2 ** 20;

/**
 * Cuts items into parts, each of which fits into one message. An item that doesn't fit alone is a part of its own. Without
 * items there is one empty part. Items after a part are read once the next part is.
 *
 * @param sizeOf the bytes of an encoded item; it may be an upper bound.
 */
export function* cutBySize<T>(items: Iterable<T>, sizeOf: (item: T) => number): Generator<readonly T[]> {
  let part: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (part.length > 0 && bytes + size > MAX_MESSAGE_BYTES) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(item);
    bytes += size;
  }
  yield part;
}

/** The rows of a statement, as a message holds them. */
interface Sized {
  /** The SQL of the bytes of a row, as far as they may be many. */
  readonly bytes: string;
  /** That of the statement. */
  readonly order: string;
}

/** A statement without the rows that don't fit into a message with those before them: a hundred may be hundreds of megabytes. */
export function fittingSql(sql: string, { bytes, order }: Sized): string {
  const before = `(ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`;
  // biome-ignore lint/plugin: the statement names its columns.
  return `SELECT * FROM (
      SELECT *, count(*) OVER () AS list_read, sum(${bytes}) OVER ${before} AS list_bytes_before FROM (${sql}) AS page
    ) AS page WHERE list_bytes_before IS NULL OR list_bytes_before <= ${MAX_MESSAGE_BYTES} ORDER BY ${order}`;
}

/** Whether {@link fittingSql} has left out some. */
export function isCut([first, ...others]: readonly object[]): boolean {
  return first !== undefined && 'list_read' in first && Number(first.list_read) > 1 + others.length;
}

/** Of a number, and of the beginning of a message. */
const FIXED_BYTES = 12;

/** An upper bound of the bytes of an encoded message. */
export function messageBytes(value: unknown): number {
  if (typeof value === 'string') return FIXED_BYTES + 3 * value.length;
  if (value instanceof Uint8Array) return FIXED_BYTES + value.length;
  if (value instanceof Date || typeof value !== 'object' || value === null) return 2 * FIXED_BYTES;
  let sum = FIXED_BYTES;
  for (const part of Object.values(value)) sum += messageBytes(part);
  return sum;
}

/** Rows that a statement has read, at most `size`, for a snapshot along their keys. */
interface ReadRows<Row, T> {
  /** The key above which they were read. */
  readonly after: bigint;
  readonly size: number;
  readonly keyOf: (row: Row) => bigint;
  readonly toItem: (row: Row) => T;
}

/** The rows in parts that fit into messages. */
export function keyedRows<Row, T>(
  rows: readonly Row[],
  { after, size, keyOf, toItem }: ReadRows<Row, T>,
): KeyedRows<readonly T[]> {
  const items = rows.map((row) => ({ key: keyOf(row), item: toItem(row) }));
  const parts = [...cutBySize(items, ({ item }) => messageBytes(item))].map((part) => ({
    part: part.map(({ item }) => item),
    lastKey: part.at(-1)?.key ?? after,
  }));
  return { parts, last: rows.length < size };
}
