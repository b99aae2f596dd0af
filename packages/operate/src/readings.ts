import { CallStatsServiceDefinition, type GetCallStatsResponse } from '@rondo/contracts/rondo/stats/v1/stats';
import type { Logger } from '@rondo/rpc/call';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';

/** The counters of a process when it was last asked, and at the time before. */
export interface Reading {
  readonly instanceId: string;
  readonly before: GetCallStatsResponse | undefined;
  readonly last: GetCallStatsResponse;
}

/** How an instance is asked. */
interface ReadingOptions {
  readonly log: Logger;
  readonly channel: Channel;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The instances of which it says how it calls them. */
  readonly about: () => readonly string[];
  /** How long to wait at first, so that the instances of a large fleet aren't all asked at the same time. Milliseconds. */
  readonly firstPauseMs: number;
  /** How long to wait after an answer. Milliseconds. */
  readonly pauseMs: () => number;
  /** Undefined if it can't be asked. */
  readonly onReading: (reading: Reading | undefined) => void;
}

/** How long an instance that can't be asked is left alone. Milliseconds. */
const RETRY_MS = 5_000;

/** Asks an instance for its counters, again and again, until `signal` aborts. */
export async function askForReadings(endpoint: Endpoint, options: ReadingOptions): Promise<void> {
  const { channel, clock, log, signal, about, firstPauseMs, pauseMs, onReading } = options;
  const { instanceId } = endpoint;
  if (firstPauseMs > 0) await sleep(clock, firstPauseMs, signal).catch(() => undefined);
  const direct = channel.direct([endpoint]);
  const client = createClient(CallStatsServiceDefinition, { channel: direct });
  let before: GetCallStatsResponse | undefined;
  try {
    while (!signal.aborted) {
      const last = await client
        .getCallStats({ calledInstanceIds: [...about()] }, { signal })
        .catch((fault: unknown) => {
          if (!signal.aborted) log.debug({ err: fault, instance: instanceId }, 'an instance does not tell its calls');
          return undefined;
        });
      if (signal.aborted) return;
      onReading(last && { instanceId, before, last });
      before = last;
      await sleep(clock, last === undefined ? RETRY_MS : pauseMs(), signal).catch(() => undefined);
    }
  } finally {
    direct.close();
  }
}
