import { expect } from '@jest/globals';
import {
  Book,
  LibraryServiceDefinition,
  Shelf,
  type WatchBooksResponse,
} from '@rondo/contracts/rondo/conformance/v1/library';
import { createOutcomeStore, createPool, type Database, migrate, outcomesSchema } from '@rondo/database';
import { startTestPostgres } from '@rondo/database/testing';
import { callPrincipal, type ServerCall, silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import type { Middleware } from '@rondo/rpc/middleware';
import { implement } from '@rondo/rpc/server';
import { RpcError } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import {
  createStatusMapping,
  createSync,
  defineResource,
  type Hooks,
  inColumns,
  ownedBy,
  reference,
  standardMethods,
  syncSchema,
} from '../src/exports/index.js';
import { createStoreDatabase } from '../src/exports/sql.js';
import { readWatch } from '../src/exports/testing.js';
import { requireTables } from '../src/resource/require-tables.js';
import type { WatchMessage } from '../src/testing/watch-reader.js';

const { withRpcErrors } = createStatusMapping('library');

export const shelves = defineResource(Shelf, { table: 'shelves' });

/** Books: a field of each kind. */
export const books = defineResource(Book, {
  table: 'books',
  columns: {
    origin: reference('shelves/{shelf}', 'origin_id'),
    publisher: inColumns('publisher_'),
    wordCount: 'words',
  },
  filter: ['title', 'state', 'owner', 'publishDate', 'boughtTime', 'wordCount', 'lent', 'origin', 'createTime'],
  sort: ['title', 'wordCount', 'createTime'],
  unique: { books_isbn_key: 'isbn' },
  visibleTo: ownedBy('owner', { scope: 'library.admin' }),
  list: {
    unindexed: ['lent', 'origin', 'bought_time', 'publish_date', 'state'],
    scannedBy: { field: 'owner', withState: false },
  },
});

const INDEXES = `
  CREATE UNIQUE INDEX books_isbn_key ON books (isbn) WHERE isbn <> '';
  CREATE INDEX books_walk ON books (shelf_id, sequence) WHERE delete_time IS NULL;
  CREATE INDEX books_walk_all ON books (sequence) WHERE delete_time IS NULL;
  CREATE INDEX books_walk_deleted ON books (shelf_id, sequence) WHERE delete_time IS NOT NULL;
  CREATE INDEX books_walk_owner ON books (owner, shelf_id, sequence) WHERE delete_time IS NULL;
  CREATE INDEX books_title ON books (shelf_id, title, sequence);
  CREATE INDEX books_words ON books (shelf_id, words, sequence);
  CREATE INDEX books_create_time ON books (shelf_id, create_time, sequence);
  CREATE TRIGGER books_are_watched AFTER INSERT OR UPDATE OR DELETE ON books
    FOR EACH ROW EXECUTE FUNCTION sync_append_row('books', 'owner');`;

/** Expects a call to fail. */
export async function refused(call: Promise<unknown>, code: string, message = /./): Promise<RpcError> {
  const error = await call.then(
    (reply) => expect(reply).toBeUndefined(),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RpcError)) throw error;
  expect([error.codeName, error.message]).toEqual([code, expect.stringMatching(message)]);
  return error;
}

/** Reads a watch of books. */
export const readBooks = (watch: AsyncIterable<WatchMessage<NonNullable<WatchBooksResponse['event']>>>) =>
  readWatch(watch, (event) =>
    event.$case === 'snapshot'
      ? { items: event.value.books, first: event.value.first, more: event.value.more }
      : { changed: event.value },
  );

/** Starts a library with its database. */
export async function startLibrary(hooks: Hooks<Book> = {}) {
  const postgres = await startTestPostgres();
  const url = await postgres.createDatabase();
  const database = createPool({ url, lockTimeoutMs: 0, statementTimeoutMs: 0 });
  for (const { name, migrations } of [outcomesSchema, syncSchema]) await migrate(database, { part: name, migrations });
  await createTables(database);
  const sync = createSync({ database, url, log: silentLogger });
  let count = 0;
  const context = {
    database: createStoreDatabase(database),
    sync,
    newId: () => {
      count += 1;
      return `b${count}`;
    },
  };
  const library = standardMethods(LibraryServiceDefinition, books, { ...context, ...hooks });
  const service = implement(LibraryServiceDefinition, {
    ...library,
    ...standardMethods(LibraryServiceDefinition, shelves, context),
    lendBook: ({ name, etag }) =>
      withRpcErrors(
        context.database.transaction(async (tx) => {
          const present = await books.lock(tx, name, etag);
          books.requireLive(present);
          return books.update(tx, present, { lent: true });
        }),
      ),
  });
  const outcomes = createOutcomeStore(database);
  const channels: { close(): void }[] = [];
  const as = (subject?: string, ...scopes: readonly string[]) => {
    const identify: Middleware<ServerCall> = (call, next) => {
      if (subject !== undefined) {
        call.values.set(callPrincipal, { subject, issuer: 'https://issuer.example.com', scopes, actors: [] });
      }
      return next(call);
    };
    const channel = createTestChannel({ services: [service], outcomes, middleware: [identify] });
    channels.push(channel);
    return createClient(LibraryServiceDefinition, { channel });
  };
  return {
    database,
    as,
    service,
    outcomes,
    client: as(),
    async stop() {
      for (const channel of channels) channel.close();
      await sync.close();
      await outcomes.close();
      await database.close();
      await postgres.stop();
    },
  };
}

/** The migration that the check of the tables prints. */
async function createTables(database: Database): Promise<void> {
  const missing = await requireTables(database, [shelves, books]).then(
    () => '',
    (error: Error) => error.message,
  );
  await database.transaction((tx) => tx.script(`${missing.slice(missing.indexOf('\n\n'))} ${INDEXES}`));
}
