import {
  type Database,
  DatabaseUnavailable,
  type FairSemaphore,
  isShort,
  StatementTimeout,
  type Transaction,
} from '@rondo/database';
import type { Clock } from '@rondo/rpc/clock';
import { watchErrors } from '../errors.js';
import type { Feed, Subscription } from '../feed/feed.js';
import {
  type Anchor,
  type Appended,
  type Change,
  type Included,
  isIntact,
  type Range,
  readHead,
  readPending,
  readTopic,
  wereAppended,
} from '../history.js';
import type { Bounds } from '../options.js';
import type { Relay } from '../relay.js';
import { type Place, readToken, viewOf, writeToken } from '../token.js';

/**
 * A state that is read in parts along a key, each part in a transaction of its own. It may therefore be of any
 * size, and a watch that breaks in the middle resumes there.
 *
 * After each part the watcher has the state of all rows up to the part's last key at one moment. Before the next
 * part it gets the changes of those rows since then; a change of a row that it doesn't have yet is left out, as the
 * row's part has it. (The watermarks of DBLog, https://arxiv.org/abs/2010.12597.)
 */
export interface KeyedSnapshot<Part> {
  /**
   * Reads the next rows above a key, in the order of their keys. A row's key is positive and never changes. The
   * transaction sees one moment.
   */
  readonly readAfter: (transaction: Transaction, key: bigint) => Promise<KeyedRows<Part>>;
  /** The key of the row that a change, or a row of one, describes; 0 for a change that the watcher gets at any point. */
  readonly keyOf: (row: unknown) => bigint;
}

/** The rows of one transaction. */
export interface KeyedRows<Part> {
  /** At least one, which may be empty. */
  readonly parts: readonly { readonly part: Part; readonly lastKey: bigint }[];
  /** Whether there are no rows after these. */
  readonly last: boolean;
}

/** Reads the present state as one part, in a transaction that sees one moment. */
export type WholeSnapshot<Part> = (transaction: Transaction) => Promise<Part>;

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
  readonly snapshotReads: FairSemaphore;
  readonly bounds: Bounds;
}

/** Whether a watch holds resources while its reader takes an event. The reader has less time then. */
export interface HeldState {
  /** Parts of a snapshot, or a page of the history are held. */
  resources: boolean;
}

/** Options of a watch whose reader takes events. */
export type Watching<Part> = Omit<WatchOptions<Part>, 'snapshot'> & {
  readonly snapshot: KeyedSnapshot<Part>;
  readonly held: HeldState;
};

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

/** A watcher that is no further behind than this follows the feed. */
const NEAR = 256;

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

/** A whole state as one in parts, of which there is one: no row is after it. */
export function keyed<Part>(snapshot: WholeSnapshot<Part> | KeyedSnapshot<Part>): KeyedSnapshot<Part> {
  if (typeof snapshot !== 'function') return snapshot;
  return {
    readAfter: async (transaction, lastKey) => ({
      parts: [{ part: await snapshot(transaction), lastKey }],
      last: true,
    }),
    keyOf: () => 1n,
  };
}

/**
 * Yields the present state from its beginning, or from `resumed` on; returns its place in the history.
 *
 * A change that is committed at the moment of a part but not relayed yet is in the part, and will also come as a change. The
 * place lists it, so that the watcher doesn't get it twice.
 */
export async function* snapshotEvents<Part>(
  context: WatchContext,
  options: Watching<Part>,
  resumed: Place | undefined,
): AsyncGenerator<WatchEvent<Part>, Place, undefined> {
  const { topic, filter, held } = options;
  const view = viewOf(topic, filter?.name);
  let place = resumed;
  for (;;) {
    const after = place?.key ?? 0n;
    const { rows, head, pending } = await readRows(context, options, after);
    held.resources = true;
    const between = place && changesBetween(context.database, { topic, from: place, to: head });
    const earlier = place && between ? (yield* eventsAfter(place, between, options)).included : [];
    const included = new Map([...includedAbove(after, pending, options), ...earlier]);
    for (const [index, { part, lastKey }] of rows.parts.entries()) {
      const last = rows.last && index === rows.parts.length - 1;
      const first = place === undefined;
      place = { position: head.position, mark: head.mark, included, ...(!last && { key: lastKey }) };
      held.resources = !last;
      yield { kind: 'snapshot', part, first, last, resumeToken: writeToken(view, place) };
      if (last) return place;
    }
  }
}

/** The changes that aren't relayed, whose rows above a key are in the part that was read, or will be in a later one. */
function includedAbove<Part>(
  key: bigint,
  pending: readonly Appended[],
  { snapshot, rowsOf = onlyRow }: Watching<Part>,
): readonly (readonly [bigint, Included])[] {
  return pending.flatMap(({ id, createTime, payload }) => {
    const isAbove = rowsOf(payload).map((row) => snapshot.keyOf(row) > key);
    const above = isAbove.every((is) => is) ? undefined : key;
    return isAbove.includes(true) ? [[id, { writtenMs: createTime.getTime(), above }] as const] : [];
  });
}

/** Rows, and their moment: the newest position, and the topic's changes that aren't relayed yet. */
interface RowsOfMoment<Part> {
  readonly rows: KeyedRows<Part>;
  readonly head: Anchor;
  readonly pending: readonly Appended[];
}

/** More pending changes would make the token too large. */
const MAX_PENDING = 100;
/** How often a part is read while too much is pending. */
const ATTEMPTS = 5;

/** Reads in a transaction that has ended when this resolves, however slow the watcher is. */
async function readRows<Part>(
  { database, snapshotReads, relay }: WatchContext,
  { topic, signal, caller, snapshot }: Watching<Part>,
  after: bigint,
): Promise<RowsOfMoment<Part>> {
  const read = async (transaction: Transaction): Promise<RowsOfMoment<Part> | undefined> => {
    const head = await readHead(transaction);
    const pending = await readPending(transaction, topic, MAX_PENDING);
    if (pending.length > MAX_PENDING) return undefined;
    return { head, pending, rows: await snapshot.readAfter(transaction, after) };
  };
  const once = { isolation: 'repeatable read', readOnly: true, signal } as const;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const found = await snapshotReads.run(() => database.transaction(read, once), { signal, caller, isShort });
    if (found !== undefined) return found;
    await relay.flush(); // then less is pending
  }
  throw watchErrors.TOO_MANY_CHANGES();
}

/** How many changes of the history are read at once. */
const PAGE = 256;

/** The changes of a range of the history, read in pages at the reader's pace. @throws WatchAborted */
export async function* changesBetween(
  database: Database,
  { topic, from, to }: Range,
): AsyncGenerator<Change, void, undefined> {
  for (let next = from; next.position < to.position; ) {
    const page = await readTopic(database, { topic, from: next, to }, PAGE);
    if (page === undefined) throw watchErrors.HISTORY_TRIMMED();
    yield* page;
    next = (page.length === PAGE && page.at(-1)) || to;
  }
}

/**
 * The events of a topic's changes after a place: one for each row that the watcher doesn't have, with the token after it. Inside a
 * keyed snapshot it leaves out the rows above the place's key, as their parts are still to come. Returns the place after the changes.
 */
export async function* eventsAfter<Part>(
  from: Place,
  changes: AsyncIterable<Change>,
  { topic, filter, snapshot: { keyOf }, rowsOf = onlyRow }: Watching<Part>,
): AsyncGenerator<WatchEvent<Part>, Place, undefined> {
  const view = viewOf(topic, filter?.name);
  let place = from;
  for await (const { position, mark, outboxId, payload, createTime } of changes) {
    const included = place.included.get(outboxId);
    const upTo = included === undefined ? place.key : (included.above ?? NO_KEY);
    const isNew = (row: unknown): boolean => upTo === undefined || keyOf(row) <= upTo;
    const rows = rowsOf(payload).filter((row) => filter?.accepts(row) !== false && isNew(row));
    const after: Place = { position, mark, key: place.key, included: without(place.included, outboxId) };
    for (const [index, row] of rows.entries()) {
      if (index < (place.rows ?? 0)) continue;
      const reached = index === rows.length - 1 ? after : { ...place, rows: index + 1 };
      yield { kind: 'change', payload: row, createTime, resumeToken: writeToken(view, reached) };
    }
    place = rows.length === 0 ? { ...after, rows: place.rows } : after;
  }
  return place;
}

/** Below each key. */
const NO_KEY = -1n;

/** The rows of a change that is one row. */
export function onlyRow(payload: unknown): readonly unknown[] {
  return [payload];
}

function without(included: Place['included'], outboxId: bigint): Place['included'] {
  return included.has(outboxId) ? new Map([...included].filter(([id]) => id !== outboxId)) : included;
}
