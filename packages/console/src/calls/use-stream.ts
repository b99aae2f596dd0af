import type { JsonValue } from '@bufbuild/protobuf';
import { useEffect, useState } from 'preact/hooks';
import { consoleMethod } from '../access.js';
import type { Connection } from '../page/connection-line.js';
import { textOf } from '../page/fault.js';
import { recordOf, replies } from './connect.js';
import { type Ended, followWhileSeen, SILENT } from './follow.js';

/** An object of JSON. */
export type JsonRecord = { [name: string]: JsonValue };

/** What a stream has told, and whether it stands. */
export interface Stream<S> {
  readonly connection: Connection;
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

/** The gateway tells something every ten seconds. */
const SILENCE_MS = 25_000;

const is = (kind: Connection['kind'], why = '') => ({ connection: { kind, why } });

/** Follows a stream of the console's own contract. */
export function useStream<S>(options: StreamOptions<S>): Stream<S> {
  const [stream, setStream] = useState<Stream<S>>({ ...is('connecting'), told: undefined });
  const { method, request, isPaused = false } = options;
  useEffect(() => {
    if (isPaused) return setStream((before) => ({ ...before, ...is('paused') }));
    setStream((before) => ({ ...before, ...is('connecting') }));
    return followWhileSeen(
      (signal) => watchOnce(options, signal, (told) => signal.aborted || setStream({ ...is('live'), told })),
      ({ why, isOver }) => setStream((before) => ({ ...before, ...(isOver ? is('over') : is('away', why)) })),
    );
  }, [method, JSON.stringify(request), isPaused]);
  return stream;
}

/** Watches until the stream ends. */
async function watchOnce<S>(
  { method, request, take, ends = false }: StreamOptions<S>,
  signal: AbortSignal,
  show: (told: S) => void,
): Promise<Ended> {
  const silent = new AbortController();
  const listen = () => setTimeout(() => silent.abort(), SILENCE_MS);
  let timer = listen();
  let told: S | undefined;
  try {
    const over = AbortSignal.any([signal, silent.signal]);
    for await (const reply of replies({
      path: consoleMethod(method),
      streams: true,
      messages: [request],
      signal: over,
    })) {
      clearTimeout(timer);
      timer = listen();
      told = take(told, recordOf(reply));
      show(told);
    }
    return { told: told !== undefined, why: 'the gateway has ended the stream', isOver: ends };
  } catch (cause) {
    return { told: told !== undefined, why: silent.signal.aborted ? SILENT : textOf(cause), isOver: false };
  } finally {
    clearTimeout(timer);
  }
}
