import type { Database } from '@rondo/database';
import { WatchAborted } from '../errors.js';
import { type Change, type Range, readTopic } from '../history.js';

/** How many changes of the history are read at once. */
const PAGE = 256;

/** The changes of a range of the history, read in pages at the reader's pace. @throws WatchAborted */
export async function* changesBetween(
  database: Database,
  { topic, from, to }: Range,
): AsyncGenerator<Change, void, undefined> {
  for (let next = from; next.position < to.position; ) {
    const page = await readTopic(database, { topic, from: next, to }, PAGE);
    // @text the history was trimmed while it was read: read faster, and resume from the last token; watch again with the
    // resume_token of the last message
    // @cause Changes that the watcher hadn't read were deleted, as they are kept for a limited time.
    // @remedy Read faster; watch again with the last token.
    // @effect none
    if (page === undefined)
      throw new WatchAborted('the history was trimmed while it was read: read faster, and resume from the last token');
    yield* page;
    next = (page.length === PAGE && page.at(-1)) || to;
  }
}
