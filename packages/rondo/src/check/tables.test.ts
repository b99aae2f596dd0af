import { expect, it } from '@jest/globals';
import { columnsIn } from './tables.js';

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
