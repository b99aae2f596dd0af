/** What methods and tables of one's own take of a resource. */

import { beforeAll, describe, expect, it } from '@jest/globals';
import { Book, Shelf } from '@rondo/contracts/rondo/conformance/v1/library';
import type { Database, Transaction } from '@rondo/database';
import { eventually, waitingForLocks } from '@rondo/database/testing';
import { validate } from '@rondo/rpc/status';
import { filePostgres } from '../../database/test/postgres.js';
import { defineResource, moneyColumns, ownedBy, readDraft, readOnly, type Sync } from '../src/exports/index.js';
import { createStoreDatabase } from '../src/exports/sql.js';
import { requireTables } from '../src/resource/require-tables.js';
import { startLibrary } from './library.js';

/** Crates of books, whose labels are in another table. */
const crates = defineResource(Book, {
  table: 'crates',
  columns: {
    price: {
      ...moneyColumns({ currency: 'currency', amount: 'cents', digits: (code) => ({ EUR: 2 })[code] }),
      needed: 'is required: a price',
    },
    tags: readOnly(['labels'], ([labels]) => (Array.isArray(labels) ? labels.map(String) : [])),
    wordCount: 'words',
  },
  visibleTo: ownedBy('owner', { scope: 'library.admin' }),
  derived: {
    columns: (row) => `(SELECT array_agg(label ORDER BY label) FROM labels WHERE crate = ${row}.id) AS labels`,
  },
  changed: { words: 'count', owner: 'of' },
  // The labels are no part of the message in the etag, but of the row.
  etag: { fields: ({ title }, { labels }) => ({ title, labels }) },
});

const ada = { issuer: 'https://issuer.example.com', subject: 'ada', scopes: [] };
const postgres = filePostgres();
let database: Database;
beforeAll(async () => {
  database = postgres.pool({ url: await postgres.createDatabase() });
  const missing: unknown = await requireTables(database, [crates]).catch((error: unknown) => error);
  const sql = missing instanceof Error ? missing.message.slice(missing.message.indexOf('\n\n')) : '';
  await database.transaction((tx) =>
    tx.script(`${sql} CREATE TABLE labels (crate text NOT NULL, label text NOT NULL);`),
  );
});

let count = 0;
async function add(tx: Transaction, fields: Partial<Book> = {}): Promise<Book> {
  count += 1;
  const { name } = await crates.insert(tx, {
    name: `shelves/one/books/c${count}`,
    title: 'Crate',
    owner: 'ada',
    ...fields,
  });
  await label(tx, name, ['b', 'a']);
  return crates.get(tx, name);
}
async function label(tx: Transaction, name: string, labels: readonly string[]): Promise<void> {
  await tx.query('INSERT INTO labels (crate, label) SELECT $1, label FROM unnest($2::text[]) AS label', [
    crates.idsIn(name)[1] ?? '',
    labels,
  ]);
}
const inTransaction = <T>(work: (tx: Transaction) => Promise<T>) => database.transaction(work);

describe('what a resource has next to its table', () => {
  it('is read as it is when the lock is granted', async () => {
    const made = await inTransaction(add);
    let locking: Promise<Book> | undefined;
    await inTransaction(async (tx) => {
      await crates.lock(tx, made.name);
      locking = inTransaction((other) => crates.lock(other, made.name));
      await eventually('it waits for the lock', async () => (await waitingForLocks(database)) === 1);
      await label(tx, made.name, ['c']);
      await crates.replace(tx, made, { title: 'Box' });
    });
    expect(await locking).toMatchObject({ title: 'Box', tags: ['a', 'b', 'c'] });
  });

  it('is a change by `replace`, and in its etag', async () => {
    const made = await inTransaction(add);
    const replaced = await inTransaction(async (tx) => {
      await label(tx, made.name, ['c']);
      expect(await crates.update(tx, made, { title: made.title })).toBe(made);
      return crates.replace(tx, made, { title: made.title });
    });
    expect(replaced.tags).toEqual(['a', 'b', 'c']);
    expect(replaced.updateTime?.getTime()).toBeGreaterThan(made.updateTime?.getTime() ?? Infinity);
    const stale = inTransaction((tx) => crates.lock(tx, made.name, made.etag));
    await expect(stale).rejects.toMatchObject({ name: 'StaleEtag', changed: ['labels'] });
    await expect(inTransaction((tx) => crates.lock(tx, made.name, replaced.etag))).resolves.toEqual(replaced);
  });
});

it('is sorted by no time with microseconds, as page tokens have milliseconds', async () => {
  const sorted = { create_time: 'create_time::timestamptz(3)' };
  const [byColumn, byValue] = [{}, { sorted }].map((list) =>
    defineResource(Book, { ...crates.model.definition, sort: ['createTime'], list }),
  );
  if (byColumn === undefined || byValue === undefined) throw new TypeError('there are two');
  await expect(requireTables(database, [byColumn])).resolves.toBeUndefined();
  const undone = database.transaction(async (tx) => {
    await tx.script(`ALTER TABLE crates ALTER create_time TYPE timestamptz;
      CREATE INDEX ON crates ((create_time::timestamptz(3)), sequence)`);
    await requireTables(tx, [byValue]);
    await requireTables(tx, [byColumn]);
  });
  await expect(undone).rejects.toThrow(
    "crates can't be sorted by create_time: its column create_time has microseconds. Give it the type timestamptz(3) by a migration",
  );
});

describe('errors of several resources', () => {
  it('name them all', async () => {
    const deleted = await inTransaction(async (tx) => {
      return [await crates.delete(tx, await add(tx)), await crates.delete(tx, await add(tx))];
    });
    const [first, second] = deleted.map(({ name }) => name);
    expect(() => crates.requireLive(...deleted)).toThrow(
      `${first}, ${second} are deleted; UndeleteBook brings them back`,
    );
    expect(crates.missing('shelves/a/books/a', 'shelves/a/books/b').message).toContain(
      "shelves/a/books/a, shelves/a/books/b don't exist; its list method lists the existing books",
    );
  });
});

describe('see', () => {
  it('passes what the caller sees, and hides the other', async () => {
    const [mine, other] = await inTransaction(async (tx) => [await add(tx), await add(tx, { owner: 'bob' })]);
    await expect(crates.see(database, mine?.name ?? '', ada)).resolves.toBeUndefined();
    await expect(crates.see(database, other?.name ?? '', ada)).rejects.toMatchObject({ name: 'NotVisible' });
    await expect(crates.see(database, 'shelves/one/books/none', ada)).rejects.toMatchObject({ name: 'NotFound' });
    await expect(crates.see(database, other?.name ?? '', { ...ada, subject: '' })).rejects.toThrow("doesn't exist");
    const admin = { ...ada, scopes: ['library.admin'] };
    await expect(crates.see(database, other?.name ?? '', admin)).resolves.toBeUndefined();
    await expect(crates.see(database, 'no name', ada)).resolves.toBeUndefined();
  });
});

it('reads changes that have other names than the columns, also of what a watch is of, and a watcher sees', async () => {
  const row = { id: 'c', shelf_id: 'one', sequence: '7', title: 'Crate', count: '3', of: 'ada', version: '2' };
  const accepted: unknown[] = [];
  const sync: Pick<Sync, 'watch'> = {
    async *watch({ filter }) {
      accepted.push(filter?.name, filter?.accepts(row), filter?.accepts({ ...row, of: 'bob' }));
      yield { kind: 'change', payload: row, createTime: new Date(0), resumeToken: 't' };
    },
  };
  const { signal } = new AbortController();
  const of = { column: 'owner', value: 'ada' };
  const watch = { of, watcher: undefined, fromNow: false, resumeToken: '', signal };
  for await (const event of crates.watch({ sync, queries: database }, watch))
    expect(event).toMatchObject({
      kind: 'changed',
      item: { name: 'shelves/one/books/c', owner: 'ada', wordCount: 3n },
    });
  for await (const _ of crates.watch({ sync, queries: database }, { ...watch, of: undefined, watcher: ada }));
  const bySubject = expect.stringContaining('ada');
  expect(accepted).toEqual(['["","of ada",""]', true, false, bySubject, true, false]);
});

describe('a request', () => {
  it('lacks a required field whose zero counts as unset, and has one that is optional, too', () => {
    const fields = ['a', 'b', 'c', 'd'].map((name) => {
      const type = name === 'c' ? 'bool' : 'int32';
      return { name, key: name, type, behavior: ['REQUIRED'], ...(name > 'c' && { optional: true as const }) };
    });
    const counted = { ...Shelf, resource: { pattern: 'shelves/{shelf}', fields } };
    const { readers } = defineResource(counted, { table: 'counted' });
    const faults: string[] = [];
    const shelf = { a: 0, b: 5, c: false, d: 0 };
    readers.draft({ shelf }, (path) => (fault) => void faults.push(`${path} ${fault}`));
    expect(faults).toEqual([
      'shelf.a is required, and 0 counts as unset; a contract takes 0 if the field is optional, too',
      'shelf.c is required, and false counts as unset; a contract takes false if the field is optional, too',
    ]);
  });

  const read = (book: object) => validate((field) => readDraft(crates, { book: Book.fromPartial(book) }, field));

  it('of one own is read as a create', () => {
    expect(read({ title: 'A', lent: true, price: { currencyCode: 'EUR', units: 1n } })).toMatchObject({ title: 'A' });
    expect(read({ title: 'A' })).not.toHaveProperty('lent');
    expect(() => read({ price: { currencyCode: 'EUR', units: 1n, nanos: 5 } })).toThrow(
      'book.price.nanos: must be less than 1 unit, of which EUR has 2 digits after the point; it is 5',
    );
    expect(() => read({ price: { currencyCode: 'XXX', units: 1n } })).toThrow(
      'book.price.currency_code: must be a currency',
    );
  });
});

it('a create and an update of one own take the place of the standard ones, with what was read', async () => {
  const asked: object[] = [];
  const library = await startLibrary({
    create: (request) => {
      asked.push(request);
      // The reply is kept for repetitions in the transaction.
      return createStoreDatabase(library.database).transaction(async () =>
        Book.fromPartial({ name: 'shelves/one/books/own' }),
      );
    },
    update: async (request) => {
      const { name, etag, fieldsFor, fields } = request;
      asked.push({ name, etag, fields: fieldsFor(Book.fromPartial({ name })), of02: fields });
      throw crates.missing(name);
    },
  });
  const client = library.as();
  expect((await client.createBook({ parent: 'shelves/one', book: { title: 'A' }, bookId: 'own' })).name).toContain(
    'own',
  );
  await expect(client.createBook({ parent: 'shelves/one' })).rejects.toThrow('book.title: is required');
  const update = {
    book: { name: 'shelves/one/books/own', title: 'B', owner: 'x', etag: '"e"' },
    updateMask: ['title'],
  };
  await expect(client.updateBook(update)).rejects.toMatchObject({ codeName: 'NOT_FOUND' });
  expect(asked).toMatchObject([
    { parents: ['one'], id: 'own', fields: { title: 'A' } },
    { name: update.book.name, etag: '"e"', fields: { title: 'B' }, of02: { title: 'B' } },
  ]);
  await library.stop();
});
