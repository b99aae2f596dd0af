import { useEffect, useState } from 'preact/hooks';
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

const [FIRST_WAIT_MS, MAX_WAIT_MS] = [500, 10_000];
const NOTHING = new Map<string, never>();
const CONNECTING: Connection = { kind: 'connecting', why: '' };
const LIVE: Connection = { kind: 'live', why: '' };
const FINAL = new Set(['unauthenticated', 'permission_denied', 'not_found', 'invalid_argument', 'unimplemented']);

/**
 * Follows a watch while the tab can be seen: a browser has few connections to one host, and all tabs share them. After a break it watches
 * anew, and shows what it knew last until the snapshot is there.
 *
 * @param open Opens the watch.
 * @param key Another key begins with another watch.
 */
export function useFeed<T extends Watched>(
  open: (signal: AbortSignal) => AsyncIterable<FeedEvent<T>>,
  key: string,
): Feed<T> {
  const [shown, setShown] = useState<{ readonly key: string; readonly feed: Feed<T> }>();
  useEffect(() => {
    let gone = new AbortController();
    let feed: Feed<T> = { connection: CONNECTING, items: NOTHING, isWhole: false };
    const show = (change: Partial<Feed<T>>) => {
      feed = { ...feed, ...change };
      setShown({ key, feed });
    };
    const follow = () => {
      gone.abort();
      gone = new AbortController();
      if (!document.hidden) void watch(open, { known: feed.items, signal: gone.signal, show });
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    addEventListener('online', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      removeEventListener('online', follow);
      gone.abort();
    };
  }, [key]);
  return shown?.key === key ? shown.feed : { connection: CONNECTING, items: NOTHING, isWhole: false };
}

interface Watching<T> {
  readonly known: ReadonlyMap<string, T>;
  readonly signal: AbortSignal;
  readonly show: (change: Partial<Feed<T>>) => void;
}

async function watch<T extends Watched>(
  open: (signal: AbortSignal) => AsyncIterable<FeedEvent<T>>,
  { signal, show, ...before }: Watching<T>,
): Promise<void> {
  let { known } = before;
  let frame = 0;
  for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
    let why = 'the service has ended the stream';
    try {
      const items = new Map<string, T>();
      let isWhole = false;
      for await (const { items: changed, more } of open(signal)) {
        if (signal.aborted) return;
        // A snapshot in the middle of a stream takes the place of all before it.
        if (more !== undefined && isWhole) items.clear();
        for (const one of changed) {
          if (one.deleteTime === undefined) items.set(one.name ?? '', one);
          else items.delete(one.name ?? '');
        }
        if (more !== undefined) isWhole = !more;
        // What was known stays until the snapshot is whole, so that nothing blinks.
        if (isWhole || known.size === 0) {
          known = isWhole ? items : NOTHING;
          cancelAnimationFrame(frame);
          frame = requestAnimationFrame(() => {
            if (!signal.aborted) show({ connection: LIVE, items: new Map(items), isWhole });
          });
        }
        waitMs = FIRST_WAIT_MS;
      }
    } catch (cause) {
      why = cause instanceof Error ? cause.message : String(cause);
      if (!signal.aborted && cause instanceof CallFault && FINAL.has(cause.code)) {
        return show({ connection: { kind: 'refused', why }, items: NOTHING });
      }
    }
    cancelAnimationFrame(frame);
    if (signal.aborted) return;
    show({ connection: { kind: 'away', why } });
    await pause(waitMs, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
