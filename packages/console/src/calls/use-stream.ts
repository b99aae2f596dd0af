import type { ConsoleServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/console';
import { useEffect, useState } from 'preact/hooks';
import { consoleService } from '../access.js';
import type { Connection } from '../page/connection-line.js';
import { textOf } from '../page/fault.js';
import type { Json } from '../page/json.js';
import { visibleIn } from '../ui/text.js';
import { type Ended, followWhileSeen, SILENT } from './follow.js';

type Methods = (typeof ConsoleServiceDefinition)['methods'];
type Method = keyof Methods;

/** An event of a stream of the console's own contract. */
export type EventOf<M extends Method> = Json<ReturnType<Methods[M]['responseType']['decode']>>;

/** What a stream has sent, and whether it is connected. */
export interface Stream<S> {
  readonly connection: Connection;
  /** Undefined before the first event. */
  readonly told: S | undefined;
}

/** A stream of the console's own contract. */
export interface StreamOptions<M extends Method, S> {
  readonly method: M;
  readonly request: Json<ReturnType<Methods[M]['requestType']['decode']>>;
  /** Takes an event into what came before it: nothing at the first event of a connection. */
  readonly take: (before: S | undefined, event: EventOf<M>) => S;
  /** Whether the stream has an end. */
  readonly ends?: boolean;
  /** Whether what came stays as it is. */
  readonly isPaused?: boolean;
}

/** The gateway tells something every ten seconds. */
const SILENCE_MS = 25_000;

const is = (kind: Connection['kind'], why = '') => ({ connection: { kind, why } });

/** Follows a stream of the console's own contract. */
export function useStream<M extends Method, S>(options: StreamOptions<M, S>): Stream<S> {
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
async function watchOnce<M extends Method, S>(
  { method, request, take, ends = false }: StreamOptions<M, S>,
  signal: AbortSignal,
  show: (told: S) => void,
): Promise<Ended> {
  const silent = new AbortController();
  const listen = () => setTimeout(() => silent.abort(), SILENCE_MS);
  let timer = listen();
  let told: S | undefined;
  try {
    const over = AbortSignal.any([signal, silent.signal]);
    for await (const event of consoleService.watch(method, request, over)) {
      clearTimeout(timer);
      timer = listen();
      // All that is shown was written by others.
      told = take(told, Object(visibleIn(Object(event))));
      show(told);
    }
    return { told: told !== undefined, why: 'the gateway has ended the stream', isOver: ends };
  } catch (cause) {
    return { told: told !== undefined, why: silent.signal.aborted ? SILENT : textOf(cause), isOver: false };
  } finally {
    clearTimeout(timer);
  }
}
