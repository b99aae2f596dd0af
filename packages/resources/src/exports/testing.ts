/**
 * Tests of services with resources: how they are watched, and which statements need an index.
 *
 * ```ts
 * import { readWatch } from '@rondo/resources/testing';
 *
 * const watch = readWatch(books.watchBooks({}), (event) =>
 *   event.$case === 'snapshot'
 *     ? { items: event.value.books, first: event.value.first, more: event.value.more }
 *     : { changed: event.value },
 * );
 * expect(await watch.snapshot()).toEqual([]);
 * await books.createBook({ book: { title: 'A book' } });
 * expect(await watch.changed()).toMatchObject({ title: 'A book' });
 * await watch.end();
 * ```
 */

export { unindexedOf } from '../testing/plans.js';
export { readWatch, type WatchEvent } from '../testing/watch-reader.js';
