import { type Listening, listen } from '@rondo/database';
import type { SyncClock } from '../options.js';
import type { OutageLog } from '../outage.js';
import { CHANNEL } from '../schema.js';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;
const CHECK_TIMEOUT_MS = 3_000;

/** What a listener needs. */
export interface ListenerOptions {
  readonly url: string;
  readonly clock: SyncClock;
  readonly random: () => number;
  readonly outage: OutageLog;
  /** Told the newest position; undefined when the connection is new and some may have been missed. */
  readonly onNews: (position: bigint | undefined) => void;
}

/** A connection that hears of new changes, made anew whenever it breaks. */
export interface Listener {
  /** Ends a connection that answers no more, so that a new one is made. */
  check(): void;
  close(): Promise<void>;
}

/** Listens until it is closed. */
export function startListener(options: ListenerOptions): Listener {
  const { outage } = options;
  const closing = new AbortController();
  let listening: Listening | undefined;

  const listenOnce = async (): Promise<void> => {
    listening = await connect(options);
    if (closing.signal.aborted) await listening.close();
    outage.succeeded();
    options.onNews(undefined);
    await listening.ended;
    listening = undefined;
  };
  const run = async (): Promise<void> => {
    for (let pauseMs = FIRST_PAUSE_MS; !closing.signal.aborted; pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)) {
      await listenOnce().then(() => {
        pauseMs = FIRST_PAUSE_MS;
      }, outage.failed);
      await rest(options, pauseMs, closing.signal);
    }
  };
  const running = run();

  return {
    check: () => void listening?.check(CHECK_TIMEOUT_MS).catch(outage.failed),
    async close() {
      closing.abort();
      await listening?.close();
      await running;
    },
  };
}

function connect({ url, onNews }: ListenerOptions): Promise<Listening> {
  const onNotification = (payload: string): void => onNews(/^\d+$/.test(payload) ? BigInt(payload) : undefined);
  return listen({ url, channel: CHANNEL, applicationName: 'rondo-sync', onNotification });
}

/** A random part of the pause ("full jitter"), so that the replicas don't come back all at once. */
function rest({ clock, random }: ListenerOptions, pauseMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimer(random() * pauseMs, end);
    signal.addEventListener('abort', end);
  });
}
