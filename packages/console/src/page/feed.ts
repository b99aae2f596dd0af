import { useEffect, useState } from 'preact/hooks';
import { type Ended, followWhileSeen } from '../calls/follow.js';
import { CallFault } from './service.js';

/** How a page hears of changes. */
export interface Connection {
  /** `refused`: asking again is of no use before a person signs in, or chooses something else. */
  readonly kind: 'connecting' | 'live' | 'away' | 'refused';
  /** Why it isn't live; empty if it is. */
  readonly why: string;
}

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

const NOTHING = new Map<string, never>();
const CONNECTING: Connection = { kind: 'connecting', why: '' };
const LIVE: Connection = { kind: 'live', why: '' };
const FINAL = new Set(['unauthenticated', 'permission_denied', 'not_found', 'invalid_argument', 'unimplemented']);

type Open<T> = (signal: AbortSignal) => AsyncIterable<FeedEvent<T>>;

/**
 * Follows a watch. After a break it watches anew, and shows what it knew last until the snapshot is there.
 *
 * @param open Opens the watch.
 * @param key Another key begins with another watch.
 */
export function useFeed<T extends Watched>(open: Open<T>, key: string): Feed<T> {
  const [shown, setShown] = useState<{ readonly key: string; readonly feed: Feed<T> }>();
  useEffect(() => {
    let feed: Feed<T> = { connection: CONNECTING, items: NOTHING, isWhole: false };
    const show = (change: Partial<Feed<T>>) => {
      feed = { ...feed, ...change };
      setShown({ key, feed });
    };
    return followWhileSeen(
      (signal) => watchOnce(open, { known: feed, signal, show }),
      ({ isOver, why }) =>
        isOver
          ? show({ connection: { kind: 'refused', why }, items: NOTHING })
          : show({ connection: { kind: 'away', why } }),
    );
  }, [key]);
  return shown?.key === key ? shown.feed : { connection: CONNECTING, items: NOTHING, isWhole: false };
}

interface Watching<T> {
  readonly known: Feed<T>;
  readonly signal: AbortSignal;
  readonly show: (change: Partial<Feed<T>>) => void;
}

async function watchOnce<T extends Watched>(open: Open<T>, { known, signal, show }: Watching<T>): Promise<Ended> {
  const items = new Map<string, T>();
  let isWhole = false;
  // What was known stays until the snapshot is whole, so that nothing blinks.
  let isShown = known.items.size === 0;
  let frame = 0;
  try {
    for await (const { items: changed, more } of open(signal)) {
      // A snapshot in the middle of a stream takes the place of all before it.
      if (more !== undefined && isWhole) items.clear();
      for (const one of changed) {
        if (one.deleteTime === undefined) items.set(one.name ?? '', one);
        else items.delete(one.name ?? '');
      }
      if (more !== undefined) isWhole = !more;
      isShown ||= isWhole;
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        if (isShown && !signal.aborted) show({ connection: LIVE, items: new Map(items), isWhole });
      });
    }
    return { why: 'the service has ended the stream', told: isWhole, isOver: false };
  } catch (cause) {
    const isOver = cause instanceof CallFault && FINAL.has(cause.code);
    return { why: cause instanceof Error ? cause.message : String(cause), told: isWhole, isOver };
  } finally {
    cancelAnimationFrame(frame);
  }
}
