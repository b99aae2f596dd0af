/** A contract's standard methods over a table that the check of the tables has printed. */

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Book, BookState } from '@rondo/contracts/rondo/conformance/v1/library';
import { RpcError } from '@rondo/rpc/status';
import { seededRandom } from '@rondo/rpc/testing';
import { requireTables } from '../src/exports/index.js';
import { readWatch } from '../src/exports/testing.js';
import { books, shelves, startLibrary } from './library.js';

let library: Awaited<ReturnType<typeof startLibrary>>;
let client: typeof library.client;
const parent = 'shelves/one';

beforeAll(async () => {
  library = await startLibrary();
  ({ client } = library);
  await library.database.query("INSERT INTO shelves (id, title) VALUES ('one', 'One'), ('two', 'Two')");
});
afterAll(() => library.stop());

const refused = async (call: Promise<unknown>, code: string): Promise<RpcError> => {
  const error = await call.then(
    (reply) => expect(reply).toBeUndefined(),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RpcError)) throw error;
  expect([error.codeName, error.message]).toEqual([code, error.message]);
  return error;
};
const add = (title = 'Emma', fields: object = {}) => client.createBook({ parent, book: { title, ...fields } });

/** A book with a value in each field. */
const FULL = {
  title: 'Emma',
  state: BookState.BOOK_STATE_PRESENT,
  owner: 'ada',
  origin: 'shelves/two',
  tags: ['a', 'b "c"', ''],
  editions: [
    {
      ...{ year: 1815, copies: 9_007_199_254_740_993n, state: BookState.BOOK_STATE_ORDERED, translators: ['x'] },
      ...{ price: { currencyCode: 'GBP', units: 1n, nanos: 50 }, printTime: new Date('1815-12-23T00:00:00.123Z') },
    },
    Book.fromPartial({ editions: [{}] }).editions[0] ?? {},
  ],
  publisher: { title: 'Murray', city: 'London', founded: 1768n },
  price: { currencyCode: 'EUR', units: -19n, nanos: -990_000_001 },
  weight: { value: '0.25' },
  publishDate: { year: 1815, month: 12, day: 23 },
  readingTime: { seconds: -3600n, nanos: -5 },
  boughtTime: new Date('2026-01-31T12:00:00.001Z'),
  rating: 0,
  pageCount: -1,
  wordCount: -(2n ** 63n),
  copies: 2n ** 64n - 1n,
  cover: new Uint8Array([0, 255]),
  marks: [1n, -(2n ** 63n)],
  history: [BookState.BOOK_STATE_ORDERED, BookState.BOOK_STATE_PRESENT],
};

describe('a resource', () => {
  it('has its values back, from the table and from its changes', async () => {
    const watch = readWatch(client.watchBooks({ parent, fromNow: true }), (event) =>
      event.$case === 'snapshot'
        ? { items: event.value.books, first: event.value.first, more: event.value.more }
        : { changed: event.value },
    );
    await watch.snapshot();
    const full = await client.createBook({ parent, book: { ...FULL, isbn: 'full' }, bookId: 'full' });
    expect(full).toMatchObject(FULL);
    expect(full).toMatchObject({ name: 'shelves/one/books/full', lent: false });
    expect(await watch.changed()).toEqual(full);
    expect(await client.getBook({ name: full.name })).toEqual(full);
    expect((await client.listBooks({ parent, filter: 'owner = "ada"' })).books).toEqual([full]);

    const empty = await add('Empty');
    expect(empty).toEqual(Book.fromPartial({ ...empty, title: 'Empty' }));
    expect(empty.publisher).toBeUndefined();
    expect(empty.rating).toBeUndefined();
    expect(await watch.changed()).toEqual(empty);
    const cleared = await client.updateBook({ book: { name: full.name, title: 'Emma' }, updateMask: ['*'] });
    expect(cleared).toEqual(
      Book.fromPartial({ ...cleared, ...empty, name: full.name, title: 'Emma', isbn: 'full', ...times(cleared) }),
    );
    expect(await watch.changed()).toEqual(cleared);
    await watch.end();
  });

  const times = ({ createTime, updateTime, etag }: Book) => ({ createTime, updateTime, etag });

  it('reports each fault with its field and its rule', async () => {
    const wrong = {
      ...{ title: ' ', state: 9, origin: 'books/1', price: { currencyCode: 'eur', units: 1n, nanos: -1 } },
      ...{ weight: { value: '1e9' }, publishDate: { year: 2026, month: 2, day: 30 } },
    };
    const { message } = await refused(
      client.createBook({ parent: 'shelves', book: wrong, bookId: 'A B' }),
      'INVALID_ARGUMENT',
    );
    for (const path of ['parent', 'book_id', 'book.title', 'book.state', 'book.origin', 'book.price.currency_code'])
      expect(message).toContain(`${path}: must be`.replace('title: must be', 'title: is required'));
    for (const path of ['book.price: units and nanos', 'book.weight: must be', 'book.publish_date: must be'])
      expect(message).toContain(path);
    await refused(client.getBook({ name: 'shelves/one/books/none' }), 'NOT_FOUND');
    for (const name of [
      '',
      'shelves/one',
      'shelves/one/books/',
      "shelves/one/books/'",
      'shelves/-/books/full',
      'magazines/1',
    ])
      await refused(client.getBook({ name }), 'INVALID_ARGUMENT');
  });

  it('says which value is taken', async () => {
    await add('A', { isbn: 'taken' });
    const { message } = await refused(add('B', { isbn: 'taken' }), 'ALREADY_EXISTS');
    expect(message).toBe('another book has the isbn taken; use that book, or give another isbn');
    await client.createBook({ parent, book: { title: 'A' }, bookId: 'mine' });
    const again = await refused(client.createBook({ parent, book: { title: 'B' }, bookId: 'mine' }), 'ALREADY_EXISTS');
    expect(again.message).toContain('another book has the name shelves/one/books/mine');
    await expect(
      client.createBook({ parent: 'shelves/two', book: { title: 'B' }, bookId: 'mine' }),
    ).resolves.toBeDefined();
  });

  it('is deleted for ever if the contract has no delete_time', async () => {
    const { name } = await client.createShelf({ shelf: { title: 'Gone' } });
    await expect(client.deleteShelf({ name })).resolves.toEqual({});
    await refused(client.deleteShelf({ name }), 'NOT_FOUND');
  });

  it('is changed by methods of one own with the same store', async () => {
    const { name, etag } = await add();
    const lent = await client.lendBook({ name, etag });
    expect(lent.lent).toBe(true);
    await refused(client.lendBook({ name, etag }), 'ABORTED');
    await refused(client.lendBook({ name: 'shelves/one/books/none' }), 'NOT_FOUND');
    await expect(client.lendBook({ name, etag: lent.etag })).resolves.toEqual(lent);
  });
});

describe('a mask', () => {
  it('refuses fields that only the server or a create sets, and unknown ones', async () => {
    const { name } = await add();
    for (const path of [
      'create_time',
      'update_time',
      'delete_time',
      'name',
      'etag',
      'lent',
      'isbn',
      'colour',
      'id',
      'version',
      'title; DROP TABLE books',
      '__proto__',
      'publisher.city',
    ]) {
      const { message } = await refused(
        client.updateBook({ book: { name, title: 'X' }, updateMask: [path] }),
        'INVALID_ARGUMENT',
      );
      expect(message).toMatch(/^update_mask: must be of title, state, owner, /);
    }
    expect((await client.getBook({ name })).title).toBe('Emma');
  });

  it('changes what it names, without it what is set, and nothing if nothing differs', async () => {
    const before = await add('Emma', { tags: ['a'], price: FULL.price });
    const same = { name: before.name, title: 'Emma', tags: ['a'], price: FULL.price };
    expect(await client.updateBook({ book: same })).toEqual(before);
    expect(await client.updateBook({ book: { name: before.name, tags: ['a'] }, updateMask: ['tags'] })).toEqual(before);
    const untagged = await client.updateBook({ book: { name: before.name, title: 'Not this' }, updateMask: ['tags'] });
    expect(untagged).toMatchObject({ title: 'Emma', tags: [] });
    expect(untagged.updateTime?.getTime()).toBeGreaterThan(before.updateTime?.getTime() ?? 0);
  });
});

it('of two updates with one etag exactly one passes, and the others learn what has changed', async () => {
  const { name, etag } = await add();
  const all = await Promise.allSettled(
    Array.from({ length: 8 }, (_, index) => client.updateBook({ book: { name, title: `T${index}`, etag } })),
  );
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const { message } = await refused(client.updateBook({ book: { name, owner: 'x', etag } }), 'ABORTED');
  expect(message).toContain('has changed since its etag was read: title');
  const other = await add();
  const foreign = await refused(client.updateBook({ book: { name, title: 'x', etag: other.etag } }), 'ABORTED');
  expect(foreign.message).toContain('never had this etag');
  await refused(client.updateBook({ book: { name, title: 'x', etag: 'no tag' } }), 'INVALID_ARGUMENT');
  await refused(client.deleteBook({ name, etag }), 'ABORTED');
});

it('a request id has one effect, and another request with it is refused', async () => {
  const requestId = randomUUID();
  const request = { parent, book: { title: 'Once' }, requestId };
  const made = await Promise.all(Array.from({ length: 5 }, () => client.createBook(request)));
  expect(new Set(made.map(({ name }) => name)).size).toBe(1);
  for (const other of [
    { ...request, parent: 'shelves/two' },
    { ...request, book: { title: 'Twice' } },
    { ...request, bookId: 'x' },
  ])
    await refused(client.createBook(other), 'ALREADY_EXISTS');
  expect((await client.listBooks({ parent: 'shelves/-', filter: 'title = "Once"' })).books).toHaveLength(1);
});

describe('hostile lists', () => {
  const CHOSEN = [
    ...[
      "'",
      '"',
      '\\',
      '\0',
      ';',
      '--',
      '/*',
      '$1',
      '$$1',
      '%',
      '_',
      ')',
      '(',
      '*',
      '=',
      'NULL',
      'TRUE',
      'title',
      'AND',
    ],
    ...["title = '", 'title = "', 'title = "a\\"', "title = ''' OR 1=1 --'", 'title = "x" OR title = "y"', 'NOT lent'],
    ...['id = "1"', 'version > 0', 'sequence > 0', 'publisher_city = "x"', 'words > 1', 'price > 1', 'tags = "a"'],
    ...['title.x = "a"', 'TITLE = "a"', '__proto__ = "a"', 'constructor = "a"', 'toString != "a"', 'title LIKE "%"'],
    ...[
      'word_count > 9223372036854775808',
      'word_count > 1e3',
      'word_count > 0x10',
      'word_count > "1"',
      'lent = maybe',
    ],
    ...['state = BOOK_STATE_PRESENT', 'state = UNSPECIFIED', 'state > PRESENT', 'publish_date = "2026-02-30"'],
    ...[
      'create_time > "yesterday"',
      'create_time > now()',
      'origin = "shelves/\'"',
      'origin = "books/one"',
      'origin > "shelves/a"',
    ],
    ...[
      'title = "a" AND',
      'AND title = "a"',
      'title = "a" title = "b"',
      'title == "a"',
      'title <> "a"',
      'a'.repeat(2_001),
    ],
    ...[Array.from({ length: 17 }, () => 'title = "a"').join(' AND '), 'title = "a", title = "b"', 'title: "a"'],
    ...[
      'title desc',
      'title;',
      'title asc',
      'title, word_count',
      'price',
      'id',
      'random()',
      '1',
      'title desc desc',
      '-title',
    ],
    ...[
      '0',
      'null',
      'Infinity',
      'e30=',
      'YWZ0ZXIgMSBpbiAwMDAwMDAwMDAwMDAwMDAw',
      '%00',
      '🦊',
      '\u202e',
      '\ud800x'.slice(1),
    ],
  ];

  it('are refused as such or find what they say, whatever the filter, the order and the token', async () => {
    await add('Found', { owner: 'O\'Hara "x" \\ --' });
    const { next } = seededRandom(20_261_126);
    const below = (limit: number) => Math.floor(next() * limit);
    const parts = [
      'title',
      'word_count',
      'state',
      '=',
      '!=',
      '<',
      '>',
      '"',
      '\\',
      'AND',
      'OR',
      '(',
      ')',
      ' ',
      "'",
      '-',
      '1',
      '--',
      ';',
      '$1',
      'PRESENT',
      '\u0000',
      'é',
      'desc',
      ',',
    ];
    const random = () =>
      Array.from({ length: 1 + below(12) }, () => parts[below(parts.length)] ?? '').join(below(2) === 0 ? '' : ' ');
    const inputs = [...CHOSEN, ...Array.from({ length: 1_000 }, random)];
    let refusals = 0;
    for (const input of inputs) {
      for (const request of [{ filter: input }, { orderBy: input }, { pageToken: input }]) {
        if (Object.values(request)[0] === '') continue;
        const reply = await client.listBooks({ parent, ...request }).catch((error: unknown) => error);
        if (reply instanceof RpcError) {
          expect([input, reply.codeName]).toEqual([input, 'INVALID_ARGUMENT']);
          expect(reply.message).toMatch(/^(?:filter|order_by|page_token): /);
          refusals += 1;
        }
      }
    }
    expect(refusals).toBeGreaterThan(inputs.length);
    expect((await library.database.query('SELECT FROM books')).length).toBeGreaterThan(5);
    const filter = `owner = ${JSON.stringify('O\'Hara "x" \\ --')}`;
    expect((await client.listBooks({ parent, filter })).books).toMatchObject([{ title: 'Found' }]);
  });

  it('have pages of the one list only', async () => {
    await Promise.all([add(), add(), add()]);
    const { nextPageToken: pageToken } = await client.listBooks({ parent, pageSize: 1 });
    await expect(client.listBooks({ parent, pageSize: 1, pageToken })).resolves.toBeDefined();
    for (const other of [
      { parent: 'shelves/two' },
      { parent: 'shelves/-' },
      { filter: 'lent = false' },
      { orderBy: 'title' },
      { showDeleted: true },
    ])
      await refused(client.listBooks({ parent, pageSize: 1, pageToken, ...other }), 'INVALID_ARGUMENT');
    await refused(client.listBooks({ parent: 'magazines/one' }), 'INVALID_ARGUMENT');
  });
});

describe('what a caller sees', () => {
  it('is its own, which is what it creates, and no other', async () => {
    const [ada, bob, admin] = [library.as('ada'), library.as('bob'), library.as('root', 'library.admin')];
    const book = await ada.createBook({ parent: 'shelves/two', book: { title: 'Mine' } });
    expect(book.owner).toBe('ada');
    expect(await admin.getBook({ name: book.name })).toEqual(book);
    const { name } = book;
    const calls = [
      (named: string) => bob.getBook({ name: named }),
      (named: string) => bob.updateBook({ book: { name: named, title: 'x', etag: '"x"' } }),
      (named: string) => bob.deleteBook({ name: named }),
      (named: string) => bob.undeleteBook({ name: named }),
    ];
    for (const call of calls) {
      const hidden = await refused(call(name), 'NOT_FOUND');
      const missing = await refused(call('shelves/two/books/none'), 'NOT_FOUND');
      expect(hidden.message.replace(name, 'shelves/two/books/none')).toBe(missing.message);
    }
    expect((await bob.listBooks({ parent: 'shelves/two', showDeleted: true })).books).toEqual([]);
    expect((await bob.listBooks({ parent: 'shelves/-', filter: 'owner = "ada"', orderBy: 'title' })).books).toEqual([]);
    await refused(ada.updateBook({ book: { name, owner: 'bob' } }), 'PERMISSION_DENIED');
    await refused(ada.createBook({ parent, book: { title: 'x', owner: 'bob' } }), 'PERMISSION_DENIED');
    await admin.updateBook({ book: { name, owner: 'bob' } });
    await refused(ada.getBook({ name }), 'NOT_FOUND');
    expect((await bob.getBook({ name })).name).toBe(name);
  });
});

describe('requireTables', () => {
  it('finds a column that the table lacks, and prints the migration that adds it', async () => {
    await expect(requireTables(library.database, [books, shelves])).resolves.toBeUndefined();
    const lacking = library.database.transaction(async (tx) => {
      await tx.script('ALTER TABLE books DROP COLUMN tags; ALTER TABLE books DROP COLUMN words');
      await requireTables(tx, [books, shelves]);
    });
    await expect(lacking).rejects.toThrow(
      "ALTER TABLE books ADD COLUMN tags text[] NOT NULL DEFAULT '{}';\nALTER TABLE books ADD COLUMN words bigint NOT NULL DEFAULT 0;",
    );
  });
});
