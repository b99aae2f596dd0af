import { type Database, DatabaseUnavailable, StatementTimeout, type Transaction } from '@rondo/database';
import type { Clock, createSemaphore } from '@rondo/rpc/clock';
import { WatchAborted, WatchUnavailable } from '../errors.js';
import type { Feed, Subscription } from '../feed/feed.js';
import { type Change, isIntact, readTopic, wereAppended } from '../history.js';
import type { Bounds, OnSyncEvent } from '../options.js';
import type { Relay } from '../relay.js';
import { type Place, readToken, viewOf, writeToken } from '../token.js';
import { snapshotEvents } from './snapshot-events.js';

/** How many changes of the history are read at once. */
const PAGE = 256;

/** Options of a watch. */
export interface WatchOptions<Part> {
  readonly topic: string;
  /** The last received token; undefined or empty to start with a snapshot. */
  readonly resumeToken?: string | undefined;
  /**
   * Reads the present state, in at least one part. The transaction sees one moment and uses a connection of the pool:
   * don't read anything else, and don't wait for anything else.
   */
  readonly snapshot: (transaction: Transaction) => AsyncIterable<Part>;
  /** Leaves out changes of the topic. */
  readonly filter?: WatchFilter | undefined;
  /** Ends the watch, which then rejects with its reason. */
  readonly signal: AbortSignal;
}

/** A filter of a topic's changes. */
export interface WatchFilter {
  /** Distinguishes this filter from others of the topic: a token is valid for the same filter only. */
  readonly name: string;
  /** Whether a change is yielded. */
  readonly accepts: (payload: unknown) => boolean;
}

/** An event of a watch. */
export type WatchEvent<Part> =
  | {
      readonly kind: 'snapshot';
      readonly part: Part;
      /** The first part starts a new snapshot, even in a resumed watch: discard the earlier state. */
      readonly first: boolean;
      readonly last: boolean;
      /** Only with the last part; a watch that breaks before starts with the snapshot again. */
      readonly resumeToken: string | undefined;
    }
  | {
      readonly kind: 'change';
      readonly payload: unknown;
      /** When it was written, by the database's clock. */
      readonly createTime: Date;
      readonly resumeToken: string;
    };

/** What all watches of a process share. */
export interface WatchContext {
  readonly database: Database;
  readonly clock: Clock;
  readonly feed: Feed;
  readonly relay: Relay;
  readonly semaphores: {
    /** Snapshots that are read into memory. */
    readonly snapshots: ReturnType<typeof createSemaphore>;
    /** Larger snapshots, which are read as their readers take them. */
    readonly largeSnapshots: ReturnType<typeof createSemaphore>;
    /** Parts of snapshots in memory, of all watches. */
    readonly parts: ReturnType<typeof createSemaphore>;
  };
  readonly bounds: Bounds;
  readonly onEvent: OnSyncEvent;
}

/** Whether a watch holds resources while its reader takes an event. The reader has less time then. */
export interface HeldState {
  /** Parts of a snapshot, a connection, or a page of the history are held. */
  resources: boolean;
}

/** Watches a topic; the contract is `Sync.watch`. A reader that ends it early releases all of its resources. */
export async function* watch<Part>(
  context: WatchContext,
  options: WatchOptions<Part>,
  held: HeldState = { resources: false },
): AsyncGenerator<WatchEvent<Part>, void, undefined> {
  try {
    options.signal.throwIfAborted();
    await context.feed.head();
    const resumed = await placeOfToken(context, options);
    const place = resumed ?? (yield* snapshotEvents(context, options, held));
    yield* changeEvents(context, { ...options, held }, place);
  } catch (error) {
    if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout) {
      // @cause The service can't read changes from its database.
      // @remedy Watch again with the last token, later or at another replica.
      // @effect none
      throw new WatchUnavailable('the database is unavailable: resume from the last token', error);
    }
    throw error;
  }
}

/** The place to resume from; undefined without a token, or if its position is gone. */
async function placeOfToken<Part>(
  { database }: WatchContext,
  { topic, filter, resumeToken = '' }: WatchOptions<Part>,
): Promise<Place | undefined> {
  if (resumeToken === '') return undefined;
  const place = readToken(viewOf(topic, filter?.name), resumeToken);
  if (place === undefined || !(await isIntact(database, place))) return undefined;
  return (await wereAppended(database, place.included, place.position)) ? place : undefined;
}

async function* changeEvents<Part>(
  context: WatchContext,
  { topic, filter, signal, held }: WatchOptions<Part> & { readonly held: HeldState },
  place: Place,
): AsyncGenerator<WatchEvent<Part>, void, undefined> {
  const view = viewOf(topic, filter?.name);
  const included = new Map(place.included);
  for await (const { position, mark, outboxId, payload, createTime } of changesAfter(context, {
    topic,
    place,
    signal,
    held,
  })) {
    if (included.delete(outboxId) || filter?.accepts(payload) === false) continue;
    yield { kind: 'change', payload, createTime, resumeToken: writeToken(view, { position, mark, included }) };
  }
}

interface Following {
  readonly topic: string;
  readonly place: Place;
  readonly signal: AbortSignal;
  readonly held: HeldState;
}

/** Reads from the history until the head is near, then from the feed. */
async function* changesAfter(context: WatchContext, following: Following): AsyncGenerator<Change, void, undefined> {
  const { feed, database } = context;
  const { topic, signal, held } = following;
  let from = { position: following.place.position, mark: following.place.mark };
  for (;;) {
    signal.throwIfAborted();
    held.resources = true;
    const to = await feed.head();
    if (to.position - from.position <= PAGE) break;
    const page = await history(readTopic(database, { topic, from, to }, PAGE));
    yield* page;
    from = (page.length === PAGE && page.at(-1)) || to;
  }
  const subscription = feed.subscribe(topic);
  try {
    const { since } = subscription;
    const isBehind = since.position > from.position;
    if (isBehind) yield* await history(readTopic(database, { topic, from, to: since }, PAGE));
    held.resources = false;
    yield* live(subscription, isBehind ? since.position : from.position, signal);
  } finally {
    subscription.close();
  }
}

async function history(read: Promise<readonly Change[] | undefined>): Promise<readonly Change[]> {
  const changes = await read;
  if (changes !== undefined) return changes;
  // @text the history was trimmed while it was read: read faster, and resume from the last token; watch again with the
  // resume_token of the last message
  // @cause Changes that the watcher hadn't read were deleted, as they are kept for a limited time.
  // @remedy Read faster; watch again with the last token.
  // @effect none
  throw new WatchAborted('the history was trimmed while it was read: read faster, and resume from the last token');
}

/** Skips changes up to `after`, which the snapshot included: it was read before the subscription. */
async function* live(
  { mailbox }: Subscription,
  after: bigint,
  signal: AbortSignal,
): AsyncGenerator<Change, void, undefined> {
  const onAbort = (): void => mailbox.fail(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    for (;;) {
      const change = await mailbox.take();
      if (change.position > after) yield change;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
