import { useEffect, useState } from 'preact/hooks';
import { BASE } from '../calls/connect.js';
import { type Ended, followWhileSeen, pause, SILENT } from '../calls/follow.js';
import type { Connection } from './connection-line.js';
import { CallFault, textOf } from './fault.js';

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
  const silent = new AbortController();
  const over = AbortSignal.any([signal, silent.signal]);
  void untilSilent(over).then(() => silent.abort());
  try {
    for await (const { items: changed, more } of open(over)) {
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
    return { why: silent.signal.aborted ? SILENT : textOf(cause), told: isWhole, isOver };
  } finally {
    cancelAnimationFrame(frame);
    silent.abort();
  }
}

const [PROBE_EVERY_MS, PROBE_ANSWER_MS] = [10_000, 5_000];

/** Asks the gateway now and then whether it is there: a stream of a process that hangs looks like one without news. */
async function untilSilent(signal: AbortSignal): Promise<void> {
  for (;;) {
    await pause(PROBE_EVERY_MS, signal);
    if (signal.aborted) return;
    const answered = await fetch(new URL('healthz', BASE), { signal: AbortSignal.timeout(PROBE_ANSWER_MS) }).catch(
      () => undefined,
    );
    if (answered === undefined) return;
  }
}
