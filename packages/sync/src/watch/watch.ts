import { type Database, DatabaseUnavailable, StatementTimeout, type Transaction } from '@rondo/database';
import { WatchAborted, WatchUnavailable } from '../errors.js';
import type { Feed, Subscription } from '../feed/feed.js';
import { type Change, isIntact, readTopic, wereAppended } from '../history.js';
import type { Bounds, OnSyncEvent, SyncClock } from '../options.js';
import type { Relay } from '../relay.js';
import { type Place, readToken, viewOf, writeToken } from '../token.js';
import type { HeldParts } from './held.js';
import type { Semaphore } from './semaphore.js';
import { snapshotEvents } from './snapshot-events.js';

/** How many changes are read at once on the way from the snapshot, or the token, to the present. */
const PAGE = 256;

/** What is watched, and from where. */
export interface WatchOptions<Part> {
  readonly topic: string;
  /** The last token that was received; undefined or empty for a snapshot first. */
  readonly resumeToken?: string | undefined;
  /**
   * Reads the present state, in parts of which there is one at least. The transaction sees one moment and is a
   * connection of the pool's: read nothing else, and wait for nobody.
   */
  readonly snapshot: (transaction: Transaction) => AsyncIterable<Part>;
  /** Leaves changes of the topic out. */
  readonly filter?: WatchFilter | undefined;
  /** Ends the watch, which then rejects with its reason. */
  readonly signal: AbortSignal;
}

/** A part of a topic. */
export interface WatchFilter {
  /** Tells this filter from others of the topic: a token is good for the same one only. */
  readonly name: string;
  /** Which changes are told. */
  readonly accepts: (payload: unknown) => boolean;
}

/** What a watcher is told. */
export type WatchEvent<Part> =
  | {
      readonly kind: 'snapshot';
      readonly part: Part;
      /** A first part begins a new snapshot, also in the middle of a watch that is resumed: what was known before is void. */
      readonly first: boolean;
      readonly last: boolean;
      /** Of the last part only; a watch that breaks before begins with the snapshot again. */
      readonly resumeToken: string | undefined;
    }
  | {
      readonly kind: 'change';
      readonly payload: unknown;
      /** When it was written, by the database's clock. */
      readonly createTime: Date;
      readonly resumeToken: string;
    };

/** What a watch needs. */
export interface WatchContext {
  readonly database: Database;
  readonly clock: SyncClock;
  readonly feed: Feed;
  readonly relay: Relay;
  /** For snapshots that are read as a whole, and for those that are read as they are told. */
  readonly permits: { readonly whole: Semaphore; readonly streamed: Semaphore };
  readonly held: HeldParts;
  readonly bounds: Bounds;
  readonly onEvent: OnSyncEvent;
}

/** What a watch keeps for its reader while that takes an event: the reader has less time then. */
export interface Keeping {
  /** Parts of a snapshot, a connection, or a page of the history. */
  something: boolean;
}

/** Follows a topic; the contract is `Sync.watch`'s. Whoever ends it early has all that it keeps set free. */
export async function* watch<Part>(
  context: WatchContext,
  options: WatchOptions<Part>,
  keeping: Keeping = { something: false },
): AsyncGenerator<WatchEvent<Part>, void, undefined> {
  try {
    options.signal.throwIfAborted();
    await context.feed.head();
    const resumed = await placeOfToken(context, options);
    const place = resumed ?? (yield* snapshotEvents(context, options, keeping));
    yield* changeEvents(context, { ...options, keeping }, place);
  } catch (error) {
    if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout) {
      throw new WatchUnavailable('the database is away: go on from the last resume token', error);
    }
    throw error;
  }
}

/** Undefined where there is no token, or none that can be gone on from. */
async function placeOfToken<Part>(
  { database }: WatchContext,
  { topic, filter, resumeToken = '' }: WatchOptions<Part>,
): Promise<Place | undefined> {
  if (resumeToken === '') return undefined;
  const place = readToken(viewOf(topic, filter?.name), resumeToken);
  if (place === undefined || !(await isIntact(database, place))) return undefined;
  return (await wereAppended(database, place.told, place.position)) ? place : undefined;
}

async function* changeEvents<Part>(
  context: WatchContext,
  { topic, filter, signal, keeping }: WatchOptions<Part> & { readonly keeping: Keeping },
  place: Place,
): AsyncGenerator<WatchEvent<Part>, void, undefined> {
  const view = viewOf(topic, filter?.name);
  const told = new Map(place.told);
  for await (const { position, mark, outboxId, payload, createTime } of changesAfter(context, {
    topic,
    place,
    signal,
    keeping,
  })) {
    if (told.delete(outboxId) || filter?.accepts(payload) === false) continue;
    yield { kind: 'change', payload, createTime, resumeToken: writeToken(view, { position, mark, told }) };
  }
}

interface Following {
  readonly topic: string;
  readonly place: Place;
  readonly signal: AbortSignal;
  readonly keeping: Keeping;
}

/** From the history until the present is near, then from the feed. */
async function* changesAfter(context: WatchContext, following: Following): AsyncGenerator<Change, void, undefined> {
  const { feed, database } = context;
  const { topic, signal, keeping } = following;
  let from = { position: following.place.position, mark: following.place.mark };
  for (;;) {
    signal.throwIfAborted();
    keeping.something = true;
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
    keeping.something = false;
    yield* live(subscription, isBehind ? since.position : from.position, signal);
  } finally {
    subscription.close();
  }
}

async function history(read: Promise<readonly Change[] | undefined>): Promise<readonly Change[]> {
  const changes = await read;
  if (changes !== undefined) return changes;
  throw new WatchAborted(
    'the history was trimmed while it was read: read faster, and go on from the last resume token',
  );
}

/** `after`: what the snapshot had, which was read when the feed wasn't there yet. */
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
