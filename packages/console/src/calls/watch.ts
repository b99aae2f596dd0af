import { useEffect, useState } from 'preact/hooks';
import type { Connection } from '../page/connection-line.js';
import { CallFault, textOf } from '../page/fault.js';
import { BASE } from './connect.js';

/** What a stream has sent, and whether it is connected. */
export interface Stream<S> {
  readonly connection: Connection;
  /** Undefined before the first event. */
  readonly data: S | undefined;
}

/** A stream, and what is made of its events. */
export interface Watch<E, S> {
  readonly open: (signal: AbortSignal) => AsyncIterable<E>;
  /** Another key begins with another stream. */
  readonly key: string;
  /** Takes an event into what came before it: nothing at the first event of a connection. */
  readonly take: (before: S | undefined, event: E) => S;
  /** Whether it may take the place of what was known before a break. */
  readonly isWhole?: (data: S) => boolean;
  /** Whether the stream has an end. */
  readonly ends?: boolean;
}

const [FIRST_WAIT_MS, MAX_WAIT_MS] = [500, 10_000];
const [PROBE_AFTER_MS, PROBE_ANSWER_MS] = [10_000, 10_000];
/** Asking again is of no use. */
const FINAL = new Set(['unauthenticated', 'permission_denied', 'not_found', 'invalid_argument', 'unimplemented']);

/**
 * Follows a stream while the tab can be seen: a browser has few connections to one host, and all tabs share them. After a break it watches
 * anew, and shows what it knew last until something is known again.
 */
export function useWatch<E, S>(watch: Watch<E, S>): Stream<S> {
  const [stream, setStream] = useState<Stream<S>>({ connection: { kind: 'connecting', why: '' }, data: undefined });
  const { key } = watch;
  useEffect(() => {
    let gone = new AbortController();
    let [isOver, isKnown] = [false, false];
    const set = (kind: Connection['kind'], why = '') => setStream(({ data }) => ({ connection: { kind, why }, data }));
    const attempt = async (signal: AbortSignal) => {
      for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
        let hasAnswered = false;
        const show = (data: S) => {
          [hasAnswered, isKnown] = [true, true];
          setStream({ connection: { kind: 'live', why: '' }, data });
        };
        const [kind, why] = await watchOnce(isKnown ? watch : { ...watch, isWhole: () => true }, signal, show);
        if (signal.aborted) return;
        set(kind, why);
        isOver = kind !== 'away';
        if (isOver) return;
        if (hasAnswered) waitMs = FIRST_WAIT_MS;
        await pause(waitMs, signal);
      }
    };
    const follow = () => {
      gone.abort();
      gone = new AbortController();
      if (!document.hidden && !isOver) void attempt(gone.signal);
    };
    set('connecting');
    follow();
    document.addEventListener('visibilitychange', follow);
    addEventListener('online', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      removeEventListener('online', follow);
      gone.abort();
    };
  }, [key]);
  return stream;
}

/** Watches until the stream ends. Returns how it has ended. */
async function watchOnce<E, S>(
  { open, take, isWhole = () => true, ends = false }: Watch<E, S>,
  signal: AbortSignal,
  show: (data: S) => void,
): Promise<readonly [kind: 'over' | 'away' | 'refused', why: string]> {
  const silent = new AbortController();
  const over = AbortSignal.any([signal, silent.signal]);
  let [heardAt, frame, isShown] = [Date.now(), 0, false];
  let data: S | undefined;
  const showNow = () => {
    if (data === undefined || signal.aborted) return;
    isShown ||= isWhole(data);
    if (isShown) show(data);
  };
  void untilSilent(() => heardAt, over).then(() => silent.abort());
  try {
    for await (const event of open(over)) {
      heardAt = Date.now();
      data = take(data, event);
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(showNow);
    }
    showNow();
    return ends ? ['over', ''] : ['away', 'the service has ended the stream'];
  } catch (cause) {
    const isFinal = cause instanceof CallFault && FINAL.has(cause.code);
    return [isFinal ? 'refused' : 'away', silent.signal.aborted ? 'the gateway is silent' : textOf(cause)];
  } finally {
    cancelAnimationFrame(frame);
    silent.abort();
  }
}

/** Asks the gateway whether it is there when nothing comes: a stream of a process that hangs looks like one without news. */
async function untilSilent(heardAt: () => number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(PROBE_AFTER_MS, signal);
    if (signal.aborted || Date.now() - heardAt() < PROBE_AFTER_MS) continue;
    const health = fetch(new URL('healthz', BASE), { signal: AbortSignal.timeout(PROBE_ANSWER_MS) });
    if ((await health.catch(() => undefined)) === undefined) return;
  }
}

/** Waits, but not longer than until the signal aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
