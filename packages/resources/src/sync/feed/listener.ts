import { listen } from '@rondo/database';
import { type Clock, createBackoff, type Random, sleep } from '@rondo/rpc/clock';
import type { OutageLog } from '../outage.js';
import { CHANNEL } from '../schema.js';

type Listening = Awaited<ReturnType<typeof listen>>;

const BACKOFF = { baseMs: 50, maxMs: 2_000 };
const CHECK_TIMEOUT_MS = 3_000;

export interface ListenerOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
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
  const { clock, outage, random } = options;
  const backoff = createBackoff({ ...BACKOFF, random });
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
    while (!closing.signal.aborted) {
      await listenOnce().then(() => backoff.reset(), outage.failed);
      await sleep(clock, backoff.nextMs(), closing.signal).catch(() => undefined);
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
