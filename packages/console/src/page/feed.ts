import { useWatch } from '../calls/watch.js';
import type { Connection } from './connection-line.js';

/** What a page shows of a watch. */
export interface Feed<T> {
  readonly connection: Connection;
  /** By name, the oldest first. The list is the same until something changes. */
  readonly items: ReadonlyMap<string, T>;
  /** Whether these are all. */
  readonly isWhole: boolean;
}

/** A resource in an event of a watch. */
export interface Watched {
  readonly name?: string | undefined;
  /** Set if it is deleted. */
  readonly deleteTime?: string | undefined;
}

/** An event: a part of a snapshot, or what has changed. */
export interface FeedEvent<T> {
  readonly items: readonly T[];
  /** Of a snapshot, whether another part follows; undefined for a change. */
  readonly more?: boolean | undefined;
}

interface Known<T> extends Omit<Feed<T>, 'connection'> {
  /** Of which watch. */
  readonly key: string;
}

/**
 * Follows a watch. After a break it watches anew, and shows what it knew last until the snapshot is there.
 *
 * @param open Opens the watch.
 * @param key Another key begins with another watch.
 */
export function useFeed<T extends Watched>(
  open: (signal: AbortSignal) => AsyncIterable<FeedEvent<T>>,
  key: string,
): Feed<T> {
  const take = (before: Known<T> | undefined, { items: changed, more }: FeedEvent<T>): Known<T> => {
    // A snapshot in the middle of a stream takes the place of all before it.
    const items = new Map(more !== undefined && before?.isWhole ? [] : before?.items);
    for (const one of changed) {
      if (one.deleteTime === undefined) items.set(one.name ?? '', one);
      else items.delete(one.name ?? '');
    }
    return { key, items, isWhole: more === undefined ? (before?.isWhole ?? false) : !more };
  };
  const { connection, data } = useWatch({ open, key, take, isWhole: (known: Known<T>) => known.isWhole });
  const known = data?.key === key && connection.kind !== 'refused' ? data : { items: NOTHING, isWhole: false };
  return { connection, items: known.items, isWhole: known.isWhole };
}

const NOTHING = new Map<string, never>();
