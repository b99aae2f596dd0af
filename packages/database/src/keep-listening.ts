import { type Clock, createBackoff, type Random, sleep, systemClock, systemRandom } from '@rondo/base';
import { type Listening, type ListenOptions, listen } from './listen.js';

const BACKOFF = { baseMs: 50, maxMs: 2_000 };
const CHECK_TIMEOUT_MS = 3_000;

/** What to listen to, and with which clock. */
export interface ListenerOptions extends Pick<ListenOptions, 'url' | 'channel' | 'applicationName'> {
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Receives the payload of each notification; undefined for a new connection, before which some may have been missed. It must not throw. */
  readonly onNotification: (payload: string | undefined) => void;
  /** Called with each new connection, and with the reason if there is none. */
  readonly outage?: { readonly succeeded: () => void; readonly failed: (error: unknown) => void } | undefined;
}

/** A connection that receives notifications, and is made again after a break. */
export interface Listener {
  /** Checks the connection, and closes one that doesn't reply, so that a new one is made. */
  check(): void;
  close(): Promise<void>;
}

/** Listens until it is closed, also to the server that takes the place of one that is gone. */
export function keepListening(options: ListenerOptions): Listener {
  const { clock = systemClock, outage, random = systemRandom, onNotification } = options;
  const backoff = createBackoff({ ...BACKOFF, random });
  const closing = new AbortController();
  const failed = (error: unknown) => outage?.failed(error);
  let listening: Listening | undefined;

  const listenOnce = async (): Promise<void> => {
    listening = await listen(options);
    if (closing.signal.aborted) await listening.close();
    outage?.succeeded();
    onNotification(undefined);
    await listening.ended;
    listening = undefined;
  };
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await listenOnce().then(() => backoff.reset(), failed);
      await sleep(clock, backoff.nextMs(), closing.signal).catch(() => undefined);
    }
  };
  const running = run();

  return {
    check: () => void listening?.check(CHECK_TIMEOUT_MS).catch(failed),
    async close() {
      closing.abort();
      await listening?.close();
      await running;
    },
  };
}
