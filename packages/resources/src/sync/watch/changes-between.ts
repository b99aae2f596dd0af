import type { Database } from '@rondo/database';
import { watchErrors } from '../errors.js';
import { type Change, type Range, readTopic } from '../history.js';
import { type Place, viewOf, writeToken } from '../token.js';
import type { Watching } from './snapshot.js';
import type { WatchEvent } from './watch.js';

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
