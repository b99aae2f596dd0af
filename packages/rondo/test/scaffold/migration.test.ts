import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createValidator } from '@bufbuild/protovalidate';
import { expect, it } from '@jest/globals';
import { Book } from '@rondo/contracts/rondo/conformance/v1/library';
import { createPool } from '@rondo/database';
import { startTestPostgres } from '@rondo/database/testing';
import { defineResource } from '@rondo/resources';
import { describeTable } from '@rondo/resources/sql';
import { unindexedOf } from '@rondo/resources/testing';
import { servicesOf } from '../../src/scaffold/contract/contract.js';
import { nameHandlers, resourcesOf } from '../../src/scaffold/render/blueprint.js';
import { define } from '../../src/scaffold/render/definition.js';
import { renderTables } from '../../src/scaffold/render/migration.js';
import { root } from './folder.js';

it('a migration has an index for each statement of the definition that is written with it', async () => {
  const descriptors = readFileSync(path.join(root, 'packages/contracts/descriptors.binpb'));
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
  const file = registry.getFile('rondo/conformance/v1/library.proto');
  if (file === undefined) throw new TypeError('the tree has no library');
  const compiled = { registry, validator: createValidator({ registry }), describeTable, contracts: '@rondo/contracts' };
  const resources = resourcesOf(nameHandlers(servicesOf(file, compiled), [], ['isbn']));
  const [book, ...others] = resources;
  if (book === undefined || others.length > 0) throw new TypeError('the library has the resource book');
  const { table, columns } = define(book, resources);
  expect(columns).toEqual([]);
  const filter = ['title', 'isbn', 'state', 'boughtTime', 'pageCount', 'createTime'] as const;
  expect(define(book, resources)).toMatchObject({
    filter: expect.arrayContaining([...filter]),
    sort: ['title', 'createTime'],
  });
  const books = defineResource(Book, { table, filter, sort: ['title', 'createTime'] });

  const postgres = await startTestPostgres();
  const database = createPool({ url: await postgres.createDatabase(), maxConnections: 1 });
  await database.query(
    "CREATE FUNCTION sync_append_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
  );
  await database.transaction((tx) => tx.script(renderTables(resources, resources)));
  await database.query(`INSERT INTO books (shelf_id, id, title, isbn, state, page_count, create_time, bought_time)
    SELECT 's' || n % 50, 'b' || n, 'Book ' || n % 1000, 'i' || n, 'PRESENT', n, now() + n * interval '1 s', now() + n * interval '1 s'
    FROM generate_series(1, 10000) AS n`);
  await database.query('ANALYZE books');
  expect(await unindexedOf(database, books, 'shelves/s34/books/b1234')).toEqual([]);
  await database.query('DROP INDEX books_sort_title');
  expect(await unindexedOf(database, books, 'shelves/s34/books/b1234')).toContain('a list by title');
  await database.close();
  await postgres.stop();
});
