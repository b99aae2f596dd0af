import type { JsonValue } from '@bufbuild/protobuf';
import { useEffect, useState } from 'preact/hooks';
import { consoleMethod } from '../access.js';
import { call, recordOf } from './connect.js';

/** An object of JSON. */
export type JsonRecord = { [name: string]: JsonValue };

/** What a stream has told, and whether it stands. */
export interface Stream<S> {
  readonly connection: 'connecting' | 'live' | 'away' | 'over';
  /** Why the gateway can't be reached. */
  readonly why: string;
  /** Undefined before the first event. */
  readonly told: S | undefined;
}

/** A stream of the console's own contract. */
export interface StreamOptions<S> {
  readonly method: string;
  readonly request: JsonValue;
  /** Takes an event into what was told before it: nothing at the first event of a connection. */
  readonly take: (before: S | undefined, event: JsonRecord) => S;
  /** Whether the stream has an end. */
  readonly ends?: boolean;
  /** Whether what was told stays as it is. */
  readonly isPaused?: boolean;
}

type Show<S> = (change: (before: Stream<S>) => Stream<S>) => void;

const [FIRST_WAIT_MS, MAX_WAIT_MS] = [500, 10_000];
/** The gateway tells something every ten seconds. */
const SILENCE_MS = 25_000;

/**
 * Follows a stream while the tab can be seen: a browser has few connections to one host, and all tabs share them. It connects again
 * when the stream breaks.
 */
export function useStream<S>(options: StreamOptions<S>): Stream<S> {
  const [stream, setStream] = useState<Stream<S>>({ connection: 'connecting', why: '', told: undefined });
  const { method, request, isPaused = false } = options;
  useEffect(() => {
    let gone = new AbortController();
    let isOver = false;
    const follow = () => {
      gone.abort();
      gone = new AbortController();
      if (document.hidden || isPaused || isOver) return;
      const { signal } = gone;
      void watch(options, signal, (change) => signal.aborted || setStream(change)).then((over) => {
        isOver ||= over;
      });
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      gone.abort();
    };
  }, [method, JSON.stringify(request), isPaused]);
  return stream;
}

/** Watches until `signal` aborts, or until the end of a stream that has one: then it resolves to true. */
async function watch<S>(options: StreamOptions<S>, signal: AbortSignal, show: Show<S>): Promise<boolean> {
  for (let waitMs = FIRST_WAIT_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
    const { told, why } = await watchOnce(options, signal, show);
    if (signal.aborted) break;
    if (why === '' && options.ends === true) {
      show((before) => ({ ...before, connection: 'over' }));
      return true;
    }
    if (told) waitMs = FIRST_WAIT_MS;
    show((before) => ({ ...before, connection: 'away', why: why || 'the gateway has ended the stream' }));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
  return false;
}

/** Watches until the stream ends. Returns why it has failed. */
async function watchOnce<S>({ method, request, take }: StreamOptions<S>, signal: AbortSignal, show: Show<S>) {
  const silent = new AbortController();
  let timer = setTimeout(() => silent.abort(), SILENCE_MS);
  let told: S | undefined;
  try {
    const over = AbortSignal.any([signal, silent.signal]);
    const path = consoleMethod(method);
    for await (const event of call({ path, streams: true, messages: [request], signal: over })) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE_MS);
      if (silent.signal.aborted) break;
      if (event.kind === 'end') return { told: told !== undefined, why: event.error?.message ?? '' };
      if (event.kind === 'header') continue;
      told = take(told, recordOf(event.value));
      const now = told;
      show(() => ({ connection: 'live', why: '', told: now }));
    }
    return { told: told !== undefined, why: 'the gateway is silent' };
  } finally {
    clearTimeout(timer);
  }
}
