import { type Logger, type Principal, runOutsideScope } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { type Clock, createBackoff, sleep } from '@rondo/rpc/clock';
import { type MessageType, readBytes } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';

/** What is seen of a feed of changes, by which kept answers end. */
export interface FeedView {
  readonly service: string;
  /** The name of the feed's method in the contract. */
  readonly method: string;
  /**
   * Why changes may be missed, so that no answers are kept; undefined if every change that was committed before now has been
   * received, but for those on their way.
   */
  readonly fault: string | undefined;
}

/** A feed that is followed. */
export interface Feed extends FeedView {
  close(): void;
}

/** Options of {@link openFeed}. */
export interface FeedOptions extends Pick<FeedView, 'service' | 'method'> {
  readonly channel: Channel;
  /** On whose behalf it is watched. */
  readonly principal: Principal | undefined;
  readonly log: Logger;
  /** Called with the name of each resource that has changed. */
  readonly onChange: (resource: string) => void;
  /** Called when the feed breaks: changes may be missed from now on. */
  readonly onBreak: () => void;
}

const BACKOFF = { baseMs: 100, maxMs: 5_000 };
/** The number of the field with the resource's name, in each message of a feed. */
const RESOURCE = 1;
const EMPTY = new Uint8Array();
const SILENT = 'it has sent no message yet';

/** Messages stay encoded, because the definition of the feed's method isn't known here. */
const BYTES: MessageType<Uint8Array> = {
  encode: (bytes) => ({ finish: () => bytes }),
  decode: (bytes) => bytes,
  fromPartial: () => EMPTY,
};

/**
 * Watches a feed until it is closed. After each break it begins anew, and the answers cached before have been
 * dropped by then. The first message says that the watch has begun. An unavailable service isn't logged, because
 * each call reports it; any other failure to follow the feed is logged once until the feed is followed again.
 */
export function openFeed({ channel, service, method, principal, log, onChange, onBreak }: FeedOptions): Feed {
  const closing = new AbortController();
  const { clock, random } = channel;
  const backoff = createBackoff({ ...BACKOFF, random });
  const client = createClient(definitionOf(service, method), { channel, at: service });
  let fault: string | undefined = SILENT;
  let warned = false;
  const watch = async (): Promise<void> => {
    let why: unknown = new Error('the feed ended before its first message');
    try {
      for await (const message of client.watch({}, { signal: closing.signal, principal })) {
        const resource = readBytes(message, RESOURCE);
        if (resource !== undefined && resource.length > 0) onChange(Buffer.from(resource).toString());
        if (fault !== undefined) backoff.reset();
        fault = undefined;
        warned = false;
      }
    } catch (error) {
      why = error;
    }
    if (fault === undefined) {
      fault = SILENT;
      return onBreak();
    }
    fault = why instanceof Error ? why.message : String(why);
    if (warned || closing.signal.aborted || (why instanceof RpcError && why.code === Status.UNAVAILABLE)) return;
    warned = true;
    log.warn({ target: service, feed: method, fault }, 'no answers are kept: the feed of changes is not followed');
  };
  runOutsideScope(() => void repeat(watch, { clock, signal: closing.signal, pauseMs: () => backoff.nextMs() }));
  return {
    service,
    method,
    get fault() {
      return fault;
    },
    close: () => closing.abort(),
  };
}

async function repeat(
  work: () => Promise<void>,
  { clock, signal, pauseMs }: { readonly clock: Clock; readonly signal: AbortSignal; readonly pauseMs: () => number },
): Promise<void> {
  while (!signal.aborted) {
    await work();
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
