import type { JsonValue } from '@bufbuild/protobuf';
import { useEffect, useState } from 'preact/hooks';
import { consoleMethod } from '../access.js';
import { call, recordOf } from './connect.js';
import { type Ended, followWhileSeen } from './follow.js';

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

/** The gateway tells something every ten seconds. */
const SILENCE_MS = 25_000;

/** Follows a stream of the console's own contract. */
export function useStream<S>(options: StreamOptions<S>): Stream<S> {
  const [stream, setStream] = useState<Stream<S>>({ connection: 'connecting', why: '', told: undefined });
  const { method, request, isPaused = false } = options;
  useEffect(() => {
    if (isPaused) return;
    return followWhileSeen(
      (signal) => watchOnce(options, signal, (change) => signal.aborted || setStream(change)),
      ({ why, isOver }) =>
        setStream((before) => (isOver ? { ...before, connection: 'over' } : { ...before, connection: 'away', why })),
    );
  }, [method, JSON.stringify(request), isPaused]);
  return stream;
}

/** Watches until the stream ends. */
async function watchOnce<S>(
  { method, request, take, ends = false }: StreamOptions<S>,
  signal: AbortSignal,
  show: Show<S>,
): Promise<Ended> {
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
      if (event.kind === 'end') {
        const why = event.error?.message ?? 'the gateway has ended the stream';
        return { told: told !== undefined, why, isOver: ends && event.error === undefined };
      }
      if (event.kind === 'header') continue;
      told = take(told, recordOf(event.value));
      const now = told;
      show(() => ({ connection: 'live', why: '', told: now }));
    }
    return { told: told !== undefined, why: 'the gateway is silent', isOver: false };
  } finally {
    clearTimeout(timer);
  }
}
