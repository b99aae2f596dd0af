import { type Database, DatabaseUnavailable, StatementTimeout, type Turns } from '@rondo/database';
import type { Clock } from '@rondo/rpc/clock';
import { watchErrors } from '../errors.js';
import type { Feed, Subscription } from '../feed/feed.js';
import { type Anchor, type Change, isIntact, wereAppended } from '../history.js';
import type { Bounds } from '../options.js';
import type { Relay } from '../relay.js';
import { type Place, readToken, viewOf } from '../token.js';
import { changesBetween, eventsAfter } from './changes-between.js';
import { type KeyedSnapshot, keyed, snapshotEvents, type Watching, type WholeSnapshot } from './snapshot.js';

/** A watcher that is no further behind than this follows the feed. */
const NEAR = 256;

/** Options of a watch. */
export interface WatchOptions<Part> {
  readonly topic: string;
  /** The last received token; undefined or empty to start with a snapshot. */
  readonly resumeToken?: string | undefined;
  readonly snapshot: WholeSnapshot<Part> | KeyedSnapshot<Part>;
  /** Leaves out changes of the topic. */
  readonly filter?: WatchFilter | undefined;
  /**
   * The rows of a change, if a statement that changes several appends one change for all. Each is an event with its
   * own token; the filter and `keyOf` get rows. By default the payload is one row.
   */
  readonly rowsOf?: ((payload: unknown) => readonly unknown[]) | undefined;
  /** The caller of the watch: callers take turns in reading snapshots. All watches without one count as the same caller. */
  readonly caller?: string | undefined;
  /** Ends the watch, which then rejects with its reason. */
  readonly signal: AbortSignal;
}

/** A filter of a topic's changes. */
export interface WatchFilter {
  /** Distinguishes this filter from others of the topic: a token is valid for the same filter only. */
  readonly name: string;
  /** Whether a change, or a row of one, is yielded. */
  readonly accepts: (row: unknown) => boolean;
}

/** An event of a watch. */
export type WatchEvent<Part> =
  | {
      readonly kind: 'snapshot';
      readonly part: Part;
      /** The first part starts a new snapshot, even in a resumed watch: discard the earlier state. */
      readonly first: boolean;
      readonly last: boolean;
      readonly resumeToken: string;
    }
  | {
      readonly kind: 'change';
      /** What was appended, or one row of it. */
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
  /** Of the watches that read a part of a snapshot. */
  readonly snapshotTurns: Turns;
  readonly bounds: Bounds;
}

/** Whether a watch holds resources while its reader takes an event. The reader has less time then. */
export interface HeldState {
  /** Parts of a snapshot, or a page of the history are held. */
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
    const watching: Watching<Part> = { ...options, snapshot: keyed(options.snapshot), held };
    const hasState = resumed !== undefined && resumed.key === undefined;
    const place = hasState ? resumed : yield* snapshotEvents(context, watching, resumed);
    yield* eventsAfter(place, changesAfter(context, { ...watching, place }), watching);
  } catch (error) {
    if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout)
      throw watchErrors.DATABASE_AWAY({ cause: error });
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
  let from: Anchor = following.place;
  for (;;) {
    signal.throwIfAborted();
    held.resources = true;
    const to = await feed.head();
    if (to.position - from.position <= NEAR) break;
    yield* changesBetween(database, { topic, from, to });
    from = to;
  }
  const subscription = feed.subscribe(topic);
  try {
    const { since } = subscription;
    const isBehind = since.position > from.position;
    if (isBehind) yield* changesBetween(database, { topic, from, to: since });
    held.resources = false;
    yield* live(subscription, isBehind ? since.position : from.position, signal);
  } finally {
    subscription.close();
  }
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
