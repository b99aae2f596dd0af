import { backoffMs, type Listening, listen } from '@rondo/database';
import type { SyncClock } from '../options.js';
import type { OutageLog } from '../outage.js';
import { CHANNEL } from '../schema.js';

const BACKOFF = { baseMs: 50, maxMs: 2_000 };
const CHECK_TIMEOUT_MS = 3_000;

/** Options of a listener. */
export interface ListenerOptions {
  readonly url: string;
  readonly clock: SyncClock;
  readonly random: () => number;
  readonly outage: OutageLog;
  /** Receives the newest position. It is undefined for a new connection, which may have missed notifications. */
  readonly onPosition: (position: bigint | undefined) => void;
}

/** A connection that receives notifications of new changes, and reconnects after a break. */
export interface Listener {
  /** Checks the connection, and closes one that doesn't reply, so that a new one is made. */
  check(): void;
  close(): Promise<void>;
}

/** Listens until it is closed. */
export function startListener(options: ListenerOptions): Listener {
  const { outage, random } = options;
  const closing = new AbortController();
  let listening: Listening | undefined;

  const listenOnce = async (): Promise<void> => {
    listening = await connect(options);
    if (closing.signal.aborted) await listening.close();
    outage.succeeded();
    options.onPosition(undefined);
    await listening.ended;
    listening = undefined;
  };
  const run = async (): Promise<void> => {
    for (let failures = 1; !closing.signal.aborted; failures += 1) {
      await listenOnce().then(() => {
        failures = 1;
      }, outage.failed);
      await pause(options, backoffMs(failures, { ...BACKOFF, random }), closing.signal);
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

function connect({ url, onPosition }: ListenerOptions): Promise<Listening> {
  const onNotification = (payload: string): void => onPosition(/^\d+$/.test(payload) ? BigInt(payload) : undefined);
  return listen({ url, channel: CHANNEL, applicationName: 'rondo-sync', onNotification });
}

/** Sleeps for `delayMs`, or until the signal aborts. */
function pause({ clock }: ListenerOptions, delayMs: number, signal: AbortSignal): Promise<void> {
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
    const timer = clock.setTimer(delayMs, end);
    signal.addEventListener('abort', end);
  });
}
