import { runOutsideScope } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { type Clock, createBackoff, sleep } from '@rondo/rpc/clock';
import { type MessageType, readBytes } from '@rondo/rpc/internal';

/** A feed of changes, by which kept answers end. */
export interface Feed {
  /** Whether every change that was committed before now has been told, but for those on their way. */
  readonly current: boolean;
  close(): void;
}

/** Options of {@link openFeed}. */
export interface FeedOptions {
  readonly channel: Channel;
  readonly service: string;
  /** The name of the feed's method in the contract. */
  readonly method: string;
  /** Called with the name of each resource that has changed. */
  readonly onChange: (resource: string) => void;
  /** Called when the feed breaks: changes may be missed from now on. */
  readonly onBreak: () => void;
}

const BACKOFF = { baseMs: 100, maxMs: 5_000 };
/** The number of the field with the resource's name, in each message of a feed. */
const RESOURCE = 1;
const EMPTY = new Uint8Array();

/** Messages stay encoded, because the definition of the feed's method isn't known here. */
const BYTES: MessageType<Uint8Array> = {
  encode: (bytes) => ({ finish: () => bytes }),
  decode: (bytes) => bytes,
  fromPartial: () => EMPTY,
};

/**
 * Watches a feed until it is closed. It begins anew after each break, because what was kept before has ended by then. The first
 * message says that the watch has begun.
 */
export function openFeed({ channel, service, method, onChange, onBreak }: FeedOptions): Feed {
  const closing = new AbortController();
  const { clock, random } = channel;
  const backoff = createBackoff({ ...BACKOFF, random });
  const client = createClient(definitionOf(service, method), { channel, at: service });
  let current = false;
  const watch = async (): Promise<void> => {
    try {
      for await (const message of client.watch({}, { signal: closing.signal })) {
        const resource = readBytes(message, RESOURCE);
        if (resource !== undefined && resource.length > 0) onChange(Buffer.from(resource).toString());
        if (!current) backoff.reset();
        current = true;
      }
    } finally {
      if (current) {
        current = false;
        onBreak();
      }
    }
  };
  runOutsideScope(() => void repeat(watch, { clock, signal: closing.signal, pauseMs: () => backoff.nextMs() }));
  return {
    get current() {
      return current;
    },
    close: () => closing.abort(),
  };
}

async function repeat(
  work: () => Promise<void>,
  { clock, signal, pauseMs }: { readonly clock: Clock; readonly signal: AbortSignal; readonly pauseMs: () => number },
): Promise<void> {
  while (!signal.aborted) {
    // Why it broke doesn't matter: calls are made until it is back, and they say what is wrong with the service.
    await work().catch(() => undefined);
    await sleep(clock, pauseMs(), signal).catch(() => undefined);
  }
}

function definitionOf(service: string, name: string) {
  const watch = {
    name,
    requestType: BYTES,
    requestStream: false,
    responseType: BYTES,
    responseStream: true,
    options: { idempotencyLevel: 'NO_SIDE_EFFECTS' },
  } as const;
  return { name: service, fullName: service, methods: { watch } } as const;
}
