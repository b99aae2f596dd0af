import { isShort, type Transaction } from '@rondo/database';
import { watchErrors } from '../errors.js';
import { type Anchor, type Appended, readHead, readPending } from '../history.js';
import { type Included, type Place, viewOf, writeToken } from '../token.js';
import { changesBetween, eventsAfter, onlyRow } from './changes-between.js';
import type { HeldState, WatchContext, WatchEvent, WatchOptions } from './watch.js';

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

/** Options of a watch whose reader takes events. */
export type Watching<Part> = Omit<WatchOptions<Part>, 'snapshot'> & {
  readonly snapshot: KeyedSnapshot<Part>;
  readonly held: HeldState;
};

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
  { database, snapshotTurns, relay }: WatchContext,
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
    const found = await snapshotTurns.run(() => database.transaction(read, once), { signal, caller, isShort });
    if (found !== undefined) return found;
    await relay.flush(); // then less is pending
  }
  throw watchErrors.TOO_MANY_CHANGES();
}
