import { expect, it } from '@jest/globals';
import { columnsIn, unindexedIn } from './tables.js';

const MIGRATIONS = `
  -- CREATE TABLE rooms (old text);
  CREATE TABLE rooms (
    id text NOT NULL, price numeric(30, 0),
    "size" bigint,
    PRIMARY KEY (id)
  );
  CREATE INDEX rooms_view ON rooms (view);
  ALTER TABLE rooms ADD COLUMN seats bigint NOT NULL DEFAULT 0, ADD COLUMN IF NOT EXISTS floor text;
  ALTER TABLE rooms RENAME COLUMN price TO cost;
  ALTER TABLE beds ADD COLUMN room text;
`;

it('finds the columns that migrations create, add and rename', () => {
  const columns = columnsIn(MIGRATIONS, 'rooms') ?? new Set();
  expect([...columns]).toEqual(expect.arrayContaining(['id', 'price', 'size', 'seats', 'floor', 'cost']));
  for (const other of ['old', 'view', 'room', 'text', 'bigint']) expect(columns.has(other)).toBe(false);
});

it('knows a table that no migration names from one that another statement makes', () => {
  expect(columnsIn(MIGRATIONS, 'guests')).toEqual(new Set());
  expect(columnsIn('CREATE TABLE old (id text); ALTER TABLE old RENAME TO guests;', 'guests')).toBeUndefined();
});

it.each([
  'CREATE TABLE rooms (id text, size bigint) WITH (fillfactor = 70);',
  'CREATE TABLE rooms (\n  id text\n, size bigint\n) PARTITION BY HASH (id);',
  "CREATE TABLE rooms (id text CHECK (id IN ('a', 'b')), /* the */ size bigint);",
  'CREATE TABLE rooms (id text); ALTER TABLE ONLY rooms ADD size bigint;',
])('finds the size in %s', (migrations) => {
  expect(columnsIn(migrations, 'rooms')).toContain('size');
});

const INDEXED = `
  CREATE TABLE books (shelf_id text, book_id text, isbn text NOT NULL UNIQUE, title text, owner text, PRIMARY KEY (shelf_id, book_id));
  CREATE INDEX books_title ON books (shelf_id, title, sequence);
  CREATE INDEX CONCURRENTLY IF NOT EXISTS books_sort_create_time ON books (create_time, sequence) WHERE owner <> '';
  CREATE INDEX books_word_count ON ONLY books USING btree (word_count);
`;

it('finds fields without an index, and makes it', async () => {
  const { Book } = await import('@rondo/contracts/rondo/conformance/v1/library');
  const { defineResource } = await import('@rondo/resources');
  const books = defineResource(Book, {
    table: 'books',
    filter: ['isbn', 'title', 'owner', 'wordCount', 'lent', 'createTime'],
    sort: ['title', 'createTime'],
    list: { unindexed: ['lent'], chronological: { field: 'create_time', firstPosition: () => '' } },
  });
  const first = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS books_owner ON books (owner);';
  const ofOwner = ' CREATE INDEX books_of_owner ON books (owner, sequence);';
  expect(unindexedIn(books, INDEXED)).toEqual([first]);
  expect(unindexedIn(books, INDEXED + ofOwner)).toEqual([]);
  const others = INDEXED.replace('title, sequence', 'title').replace('(word_count)', '(lent)').replace(' UNIQUE', '');
  expect(unindexedIn(books, `${others}${ofOwner} -- CREATE INDEX a ON books (isbn);`)).toEqual([
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS books_sort_title ON books (title, sequence);',
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS books_sort_of_parent_title ON books (shelf_id, title, sequence);',
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS books_isbn ON books (isbn);',
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS books_word_count ON books (word_count);',
  ]);
});
