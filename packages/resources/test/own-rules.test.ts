/** Rules of a service in the standard methods: of drafts, of pages, and of what other tables have. */

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Book, BookState, UpdateBookRequest } from '@rondo/contracts/rondo/conformance/v1/library';
import type { Queries } from '@rondo/database';
import { StillDeleted, WrongState } from '../src/domain/errors.js';
import type { Place } from '../src/domain/list.js';
import { defineResource, ownedBy, readDraft, readOnly, scalarColumn } from '../src/exports/index.js';
import { books, readBooks, refused, startLibrary } from './library.js';

let library: Awaited<ReturnType<typeof startLibrary>>;
const parent = 'shelves/one';

beforeAll(async () => {
  library = await startLibrary({
    afterList: async (page, { parents, query }) => {
      if (parents[0] === 'closed') throw new StillDeleted('shelves/closed', 'open it first');
      return query.showDeleted ? { items: [], next: undefined } : page;
    },
  });
  await library.database.query("INSERT INTO shelves (id, title) VALUES ('one', 'One'), ('closed', 'Closed')");
  await library.database.query('CREATE TABLE book_tags (book_id text, tag text, place integer)');
});
afterAll(() => library.stop());

/** Books whose tags are in a table of their own. */
const tagged = defineResource(Book, {
  table: 'books',
  columns: {
    publisher: false,
    wordCount: 'words',
    origin: 'origin_id',
    tags: readOnly(['told_tags'], ([tags]) => (Array.isArray(tags) ? tags.map(String) : [])),
  },
  whenMissing: 'look on another shelf',
  whenDeleted: 'put it back first',
  list: { ofParent: { order: 'the oldest first' } },
  derived: {
    columns: (row) => `ARRAY(SELECT tag FROM book_tags WHERE book_id = ${row}.id ORDER BY place) AS told_tags`,
  },
});

describe('what another table has of a resource', () => {
  it('is read by the statement that writes the row, and counts as a change', async () => {
    await library.database.transaction(async (tx) => {
      const made = await tagged.insert(tx, { name: `${parent}/books/tagged`, title: 'Emma' });
      expect(made.tags).toEqual([]);
      await tx.query("INSERT INTO book_tags VALUES ('tagged', 'b', 2), ('tagged', 'a', 1)");
      const changed = await tagged.update(tx, made, { tags: ['a', 'b'] });
      expect(changed.tags).toEqual(['a', 'b']);
      expect(changed.etag).toMatch(/^"2-/);
      expect(await tagged.get(tx, made.name)).toEqual(changed);
      expect(await tagged.update(tx, changed, { tags: ['a', 'b'], title: 'Emma' })).toBe(changed);
      expect((await tagged.delete(tx, changed)).tags).toEqual(['a', 'b']);
    });
  });
});

describe('an error', () => {
  it('says what the definition tells callers to do', async () => {
    await expect(tagged.get(library.database, `${parent}/books/none`)).rejects.toThrow(
      "shelves/one/books/none doesn't exist; look on another shelf",
    );
    const deleted = Book.fromPartial({ name: `${parent}/books/gone`, deleteTime: new Date() });
    expect(() => tagged.requireLive(deleted)).toThrow('shelves/one/books/gone is deleted; put it back first');
    expect(() => tagged.requireLive(deleted)).toThrow(WrongState);
  });
});

describe('the list of one parent', () => {
  it('may differ from that of all parents', async () => {
    await library.database.query("INSERT INTO books (shelf_id, id, title) VALUES ('two', 'a', 'A'), ('two', 'b', 'B')");
    const query = { after: undefined, size: 2, conditions: [], showDeleted: false };
    const titles = async (...parents: string[]) =>
      (await tagged.list(library.database, query, parents)).items.map(({ title }) => title);
    expect(await titles('two')).toEqual(['A', 'B']);
    expect(await titles()).toEqual(['B', 'A']);
  });
});

it('is filtered by a state in another column, and by a text of that name', async () => {
  const columns = { publisher: false, wordCount: 'words', origin: 'origin_id' } as const;
  const renamed = { ...columns, state: 'address_line_1', addressLine1: false } as const;
  const text = { ...readOnly(['isbn'], () => BookState.BOOK_STATE_UNSPECIFIED), filter: { kind: 'text' } as const };
  const [byColumn, byText] = [renamed, { ...columns, state: text }].map((own) =>
    defineResource(Book, { table: 'books', columns: own, filter: ['state', 'title'], list: { unindexed: ['state'] } }),
  );
  await library.database.query(`INSERT INTO books (shelf_id, id, title, address_line_1, isbn)
    VALUES ('three', 'a', 'A', 'PRESENT', 'CA'), ('three', 'b', 'B', 'ORDERED', 'NY'), ('three', 'c', 'C', 'ORDERED', 'OR')`);
  const titles = async (of: typeof byColumn, value: string) => {
    const conditions = [
      { field: 'state', comparator: '=', value } as const,
      { field: 'state', comparator: '=', value, or: [{ field: 'title', comparator: '=', value: 'C' }] } as const,
    ];
    const lists = conditions.map((one) =>
      of?.list(library.database, { after: undefined, size: 9, conditions: [one], showDeleted: false }, ['three']),
    );
    return (await Promise.all(lists)).map((page) => page?.items.map(({ title }) => title).join(' '));
  };
  expect(await titles(byColumn, 'PRESENT')).toEqual(['A', 'C A']);
  expect(await titles(byText, 'CA')).toEqual(['A', 'C A']);
});

it('lists a table whatever its columns are called', async () => {
  const { database } = library;
  await database.query("INSERT INTO books (shelf_id, id, title) VALUES ('four', 'a', 'A'), ('four', 'b', 'B')");
  for (const lent of ['found', 'is_hidden', 'is_listed', 'scanned_to', 'position']) {
    await database.query(`CREATE TABLE listed AS SELECT *, lent AS ${lent} FROM books WHERE shelf_id = 'four'`);
    const columns = { publisher: false, wordCount: 'words', origin: 'origin_id', lent } as const;
    const visibleTo = ownedBy('owner', { scope: 'library.admin' });
    const listed = defineResource(Book, { table: 'listed', columns, visibleTo, filter: ['title'], sort: ['title'] });
    const titles = async (query: object) => {
      const plain = { after: undefined, size: 9, conditions: [], showDeleted: false };
      return (await listed.list(database, { ...plain, ...query })).items.map(({ title }) => title);
    };
    const byTitle = (comparator: '=' | '!=') => [{ field: 'title', comparator, value: 'B' }];
    const order = { field: 'title', descending: false };
    expect(await titles({ conditions: byTitle('=') })).toEqual(['B']);
    expect(await titles({ conditions: byTitle('!='), order, visible: '' })).toEqual(['A']);
    await database.query('DROP TABLE listed');
  }
});

it('reads no more of a page or of a watch than fits into a message', async () => {
  const { database, client } = library;
  await database.query("INSERT INTO shelves (id, title) VALUES ('large', 'Large')");
  const text = "repeat('x', 1000000)";
  const large = {
    cover: `${text}::bytea`,
    notes: `jsonb_build_object('text', ${text})`,
    tags: `ARRAY[${text}]`,
  };
  for (const [column, value] of Object.entries(large))
    await database.query(
      `INSERT INTO books (shelf_id, id, title, ${column})
       SELECT 'large', '${column}' || n, 'L', ${value} FROM generate_series(1, 4) AS n`,
    );
  let most = 0;
  const query: Queries['query'] = async <T extends object>(...statement: Parameters<Queries['query']>) => {
    const rows = await database.query<T>(...statement);
    most = Math.max(most, rows.length);
    return rows;
  };
  const names: string[] = [];
  let after: Place | undefined;
  do {
    const asked = { after, size: 100, conditions: [], showDeleted: false };
    const page = await books.list({ ...database, query }, asked, ['large']);
    names.push(...page.items.map(({ name }) => name));
    after = page.next;
  } while (after !== undefined);
  const all = Object.keys(large).flatMap((column) => [1, 2, 3, 4].map((n) => `shelves/large/books/${column}${n}`));
  expect(names.reverse()).toEqual(all);
  expect(most).toBe(4);
  const watch = readBooks(client.watchBooks({ parent: 'shelves/large' }));
  expect((await watch.snapshot()).map(({ name }) => name)).toEqual(all);
  await watch.end();
});

it('refuses a resource with more values than its process has time for', async () => {
  const tags = Array.from({ length: 9_900 }, () => 'a');
  const add = (book: object) => library.client.createBook({ parent, book: { title: 'Emma', tags, ...book } });
  const { name } = await add({ labels: { a: 'b' } });
  const large = { tags, editions: Array.from({ length: 1_000 }, () => ({})) };
  const message = /^book\.editions: must have fewer items: .* most 20,000/;
  await refused(add(large), 'INVALID_ARGUMENT', message);
  await refused(library.client.updateBook({ book: { name, ...large } }), 'INVALID_ARGUMENT', message);
});

describe('afterList', () => {
  it('has the last word on a page', async () => {
    const { name } = await library.client.createBook({ parent, book: { title: 'Listed' } });
    const list = async (request: object) => (await library.client.listBooks({ parent, ...request })).books;
    expect((await list({})).map((book) => book.name)).toContain(name);
    expect(await list({ showDeleted: true })).toEqual([]);
    await expect(library.client.listBooks({ parent: 'shelves/closed' })).rejects.toThrow(
      'shelves/closed is deleted; open it first',
    );
  });
});

describe('readDraft', () => {
  it('reads what a create sets, and reports faults at the paths of the request, by the rules for a create', () => {
    const strict = defineResource(Book, {
      table: 'books',
      columns: {
        publisher: false,
        state: (field) => {
          const column = scalarColumn(field, 'state');
          if (column === undefined) throw new TypeError(field.name);
          return {
            ...column,
            check: (at, path) => at(path)('is only for updates'),
            checkNew: (at, path) => at(path)('must be ORDERED'),
          };
        },
      },
    });
    const faults: string[] = [];
    const field = (path: string) => (fault: string) => void faults.push(`${path} ${fault}`);
    const draft = readDraft(strict, { book: { title: ' ', state: BookState.BOOK_STATE_PRESENT, lent: true } }, field);
    expect(faults).toEqual(['book.title is required, and not only spaces', 'book.state must be ORDERED']);
    expect(draft).toMatchObject({ title: ' ', state: BookState.BOOK_STATE_PRESENT });
    expect(draft).not.toHaveProperty('lent');
    expect(readDraft(books, {}, () => () => undefined)).toMatchObject({ title: '', tags: [] });
  });
});

it('names the parent or the reference that a foreign key misses, and keeps what others are part of', async () => {
  const { database, client } = library;
  await database.query(`ALTER TABLE books ADD FOREIGN KEY (shelf_id) REFERENCES shelves NOT VALID,
    ADD FOREIGN KEY (origin_id) REFERENCES shelves NOT VALID`);
  const create = (on: string, origin: string) => client.createBook({ parent: on, book: { title: 'Emma', origin } });
  await expect(create('shelves/none', '')).rejects.toMatchObject({
    codeName: 'NOT_FOUND',
    message: "shelves/none doesn't exist; create it first",
  });
  await expect(create(parent, 'shelves/none')).rejects.toMatchObject({
    codeName: 'INVALID_ARGUMENT',
    message: "book.origin: shelves/none doesn't exist; create it first, or give another one",
  });
  await create(parent, parent);
  await expect(client.deleteShelf({ name: parent })).rejects.toMatchObject({
    codeName: 'FAILED_PRECONDITION',
    message: `other resources are part of ${parent}, or refer to it; delete those first`,
  });
});

describe('an update', () => {
  it('is checked by the rules of the contract in what results, and not in what it leaves as it is', async () => {
    const { client } = library;
    const { name } = await client.createBook({ parent, book: { title: 'Emma', loan: { reader: 'ada', days: 7 } } });
    const update = (book: object, ...updateMask: string[]) =>
      client.updateBook({ book: { name, ...book }, updateMask });
    expect((await update({ rank: 1 })).title).toBe('Emma');
    expect((await update({ loan: { days: 9 } }, 'loan.days')).loan).toMatchObject({ reader: 'ada', days: 9 });
    await refused(update({ loan: { branch: 'North' } }), 'INVALID_ARGUMENT', /^book\.loan: must have exactly one of/);
    await refused(update({}, 'loan.days'), 'INVALID_ARGUMENT', /^book\.loan\.days: must be greater than 0/);
    await refused(
      update({ loan: { days: 1 } }, 'loan', 'rank.x'),
      'INVALID_ARGUMENT',
      /loan: must have .*; update_mask/,
    );
    await refused(update({}, 'title', 'rank.x'), 'INVALID_ARGUMENT', /^book\.title: must be .*; update_mask/);
    await library.database.query(`UPDATE books SET loan = '{"days": 0}' WHERE title = 'Emma'`);
    expect((await update({ rank: 2 })).loan).toMatchObject({ days: 0 });
    await refused(
      update({ loan: { days: -1 } }, 'loan.days'),
      'INVALID_ARGUMENT',
      /loan\.days: must be greater than 0/,
    );
    // Of a client that sends text in another encoding.
    const { encode } = UpdateBookRequest;
    jest.spyOn(UpdateBookRequest, 'encode').mockImplementationOnce((request, writer) => {
      const bytes = encode(request, writer).finish();
      bytes[bytes.indexOf(0x7e)] = 0xff;
      return encode(UpdateBookRequest.fromPartial({})).raw(bytes);
    });
    await refused(update({ loan: { branch: '~' } }), 'INVALID_ARGUMENT', /^book\.loan\.branch: must be valid UTF-8/);
  });
});
