/** A contract's standard methods over a table that the check of the tables has printed. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Book, BookState } from '@rondo/contracts/rondo/conformance/v1/library';
import { defineResource, inColumns } from '../src/exports/index.js';
import { requireTables } from '../src/resource/require-tables.js';
import { books, readBooks, refused, shelves, startLibrary } from './library.js';

let library: Awaited<ReturnType<typeof startLibrary>>;
let client: typeof library.client;
const parent = 'shelves/one';

beforeAll(async () => {
  library = await startLibrary();
  ({ client } = library);
  await library.database.query("INSERT INTO shelves (id, title) VALUES ('one', 'One'), ('two', 'Two')");
});
afterAll(() => library.stop());

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
      year: 1815,
      copies: 9_007_199_254_740_993n,
      state: BookState.BOOK_STATE_ORDERED,
      translators: ['x'],
      price: { currencyCode: 'GBP', units: 1n, nanos: 50 },
      printTime: new Date('1815-12-23T00:00:00.123Z'),
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
  labels: { long: 'Ü "x"', b: '', a: '1' },
  reprints: Book.fromPartial({ reprints: { 1990: { year: 1990, copies: 2n ** 60n }, 7: {} } }).reprints,
};

describe('a resource', () => {
  it('has its values back, from the table and from its changes', async () => {
    const watch = readBooks(client.watchBooks({ parent, fromNow: true }));
    await watch.snapshot();
    const full = await client.createBook({ parent, book: { ...FULL, isbn: 'full' }, bookId: 'full' });
    expect(full).toMatchObject(FULL);
    expect(full).toMatchObject({ name: 'shelves/one/books/full', lent: false });
    expect(await watch.changed()).toEqual(full);
    expect(await client.getBook({ name: full.name })).toEqual(full);
    expect((await client.listBooks({ parent, filter: 'owner = "ada"' })).books).toEqual([full]);

    const labels = Object.fromEntries(Object.entries(full.labels).reverse());
    expect(await client.updateBook({ book: { name: full.name, labels }, updateMask: ['labels'] })).toEqual(full);

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
      title: ' ',
      state: 9,
      origin: 'books/1',
      price: { currencyCode: 'eur', units: 1n, nanos: -1 },
      weight: { value: '1e9' },
      publishDate: { year: 2026, month: 2, day: 30 },
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
  it('changes what it names, without it what is set, and nothing if nothing differs', async () => {
    const before = await add('Emma', { tags: ['a'], price: FULL.price });
    const same = { name: before.name, title: 'Emma', tags: ['a'], price: FULL.price };
    expect(await client.updateBook({ book: same })).toEqual(before);
    expect(await client.updateBook({ book: { name: before.name, tags: ['a'] }, updateMask: ['tags'] })).toEqual(before);
    const untagged = await client.updateBook({ book: { name: before.name, title: 'Not this' }, updateMask: ['tags'] });
    expect(untagged).toMatchObject({ title: 'Emma', tags: [] });
    expect(untagged.updateTime?.getTime()).toBeGreaterThan(before.updateTime?.getTime() ?? 0);
    for (const [value, other, read] of [
      ['2.5', '+02.50', '2.5'],
      ['10', '10.', '10'],
      ['-0', '.0', '0'],
      ['-.5', '-0.500', '-0.5'],
    ] as const) {
      const weighed = await add('Heavy', { weight: { value } });
      expect(weighed.weight).toEqual({ value: read });
      expect(await client.updateBook({ book: { name: weighed.name, weight: { value: other } } })).toEqual(weighed);
    }
  });
});

/** What a book has before each update of {@link MASKS}. */
const PLACED = {
  foundPlace: {
    shelf: 4,
    hall: 'North',
    level: 2,
    seenTime: new Date(5),
    labels: ['a'],
    readers: 7,
    house: { title: 'Murray', city: 'London', founded: 1768n },
  },
  publisher: { title: 'P', city: 'C', founded: 1n },
  rank: 3,
  addressLine1: 'One',
  line2: 'Two',
  cover: new Uint8Array([1]),
};
const { foundPlace: place } = PLACED;

/** An update: the book that is sent, the mask (none is empty), and what has changed then. */
const MASKS: readonly (readonly [what: string, sent: object, mask: string, changed: object])[] = [
  ['a part', { foundPlace: { shelf: 5 } }, 'found_place.shelf', { foundPlace: { ...place, shelf: 5 } }],
  [
    'a part by its name in JSON',
    { foundPlace: { shelf: 5 } },
    'foundPlace.shelf',
    { foundPlace: { ...place, shelf: 5 } },
  ],
  ['a part that is not sent is cleared', {}, 'found_place.hall', { foundPlace: { ...place, hall: '' } }],
  [
    'two parts, one of them deep',
    { foundPlace: { hall: 'X', house: { city: 'Y' } } },
    'found_place.hall,found_place.house.city',
    { foundPlace: { ...place, hall: 'X', house: { ...place.house, city: 'Y' } } },
  ],
  [
    'a message and a part of it',
    { foundPlace: { house: { city: 'Y' } } },
    'found_place.house.city,found_place.house',
    { foundPlace: { ...place, house: { title: '', city: 'Y', founded: 0n } } },
  ],
  [
    'a part in columns of its own',
    { publisher: { city: 'X' } },
    'publisher.city',
    { publisher: { ...PLACED.publisher, city: 'X' } },
  ],
  [
    'a time and a list',
    { foundPlace: { labels: ['b'] } },
    'found_place.seen_time,found_place.labels',
    { foundPlace: { ...place, seenTime: undefined, labels: ['b'] } },
  ],
  [
    'the whole message',
    { foundPlace: { shelf: 5 } },
    'found_place',
    {
      foundPlace: {
        shelf: 5,
        hall: '',
        level: undefined,
        seenTime: undefined,
        house: undefined,
        labels: [],
        readers: 0,
      },
    },
  ],
  [
    'without a mask, the parts that are set, and that the server does not set',
    { foundPlace: { shelf: 5, readers: 9 } },
    '',
    { foundPlace: { ...place, shelf: 5 } },
  ],
  [
    'without a mask, a part with presence that is 0',
    { foundPlace: { level: 0 } },
    '',
    { foundPlace: { ...place, level: 0 } },
  ],
  [
    'without a mask, an empty message',
    { foundPlace: { house: {} } },
    '',
    { foundPlace: { ...place, house: { title: '', city: '', founded: 0n } } },
  ],
  ['without a mask, a field with presence that is 0', { rank: 0 }, '', { rank: 0 }],
  ['without a mask, no bytes that are not sent', { title: 'X' }, '', { title: 'X' }],
  ['a name with a digit', { addressLine1: 'X' }, 'address_line_1', { addressLine1: 'X' }],
  ['its name in JSON', { addressLine1: 'X' }, 'addressLine1', { addressLine1: 'X' }],
  ['what other gateways make of that', { addressLine1: 'X' }, 'address_line1', { addressLine1: 'X' }],
  ['a name with an underscore at its end', { line2: 'X' }, 'line2_', { line2: 'X' }],
  ['and its name in JSON', { line2: 'X' }, 'line2', { line2: 'X' }],
];

describe('an update', () => {
  it.each(MASKS.map(([what, ...row]) => [what, row] as const))('changes %s', async (_what, [sent, mask, changed]) => {
    const before = await add('Emma', PLACED);
    const { etag: _etag, updateTime: _time, ...kept } = before;
    const book = { name: before.name, ...sent };
    const after = await client.updateBook({ book, ...(mask && { updateMask: mask.split(',') }) });
    expect(after).toMatchObject({ ...kept, ...changed });
    expect(await client.getBook({ name: before.name })).toEqual(after);
  });

  it('leaves a message unset of which it clears a part, and begins an unset one with the part', async () => {
    const { name } = await add();
    const cleared = await client.updateBook({ book: { name }, updateMask: ['found_place.house.city'] });
    expect(cleared.foundPlace).toBeUndefined();
    const begun = await client.updateBook({ book: { name, foundPlace: { house: { city: 'X' } } } });
    expect(begun.foundPlace).toEqual({ ...Book.fromPartial({ foundPlace: { house: { city: 'X' } } }).foundPlace });
  });

  it('keeps the part that another update changes at the same time', async () => {
    const { name } = await add('Emma', PLACED);
    const update = (foundPlace: object) => client.updateBook({ book: { name, foundPlace } });
    await Promise.all([
      update({ shelf: 5 }),
      update({ hall: 'X' }),
      update({ level: 0 }),
      update({ house: { city: 'Y' } }),
    ]);
    const { foundPlace } = await client.getBook({ name });
    expect(foundPlace).toEqual({ ...place, shelf: 5, hall: 'X', level: 0, house: { ...place.house, city: 'Y' } });
  });
});

it('is watched with each time that it may have, wherever the clocks of the database are', async () => {
  const { name } = await add('Old');
  const watch = readBooks(client.watchBooks({ parent, fromNow: true }));
  await watch.snapshot();
  for (const zone of ['Asia/Tokyo', 'Europe/Berlin', 'America/New_York'])
    for (const time of ['0001-01-01T00:00:00.000Z', '1800-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']) {
      await library.database.transaction(async ({ query }) => {
        await query(`SET LOCAL timezone = '${zone}'`);
        await query('UPDATE books SET bought_time = $1, words = words + 1 WHERE title = $2', [time, 'Old']);
      });
      expect(await watch.changed()).toMatchObject({ name, boughtTime: new Date(time) });
    }
  await watch.end();
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

  it('is watched by tokens of its own: one from when the same person saw less is refused, as rows would be missing', async () => {
    // No test hands over a book of hers: her watch could begin anew then.
    const [cleo, admin] = [library.as('cleo'), library.as('cleo', 'library.admin')];
    const watch = readBooks(cleo.watchBooks({ parent: 'shelves/-' }));
    await watch.snapshot();
    const resumed = { parent: 'shelves/-', resumeToken: watch.token() };
    await watch.end();
    const book = await cleo.createBook({ parent, book: { title: 'Later' } });
    const again = readBooks(cleo.watchBooks(resumed));
    expect(await again.changed()).toEqual(book);
    await again.end();
    await refused(readBooks(admin.watchBooks(resumed)).next(), 'INVALID_ARGUMENT', /resume_token/);
  });
});

it('a value that a later version has added to an enum is read as unspecified, and kept by updates of other fields', async () => {
  const { name } = await add('Lent', { state: BookState.BOOK_STATE_PRESENT, history: [BookState.BOOK_STATE_ORDERED] });
  const id = name.slice(name.lastIndexOf('/') + 1);
  const stored = 'SELECT state, history FROM books WHERE id = $1';
  await library.database.query("UPDATE books SET state = 'LOST', history = '{LOST,ORDERED}' WHERE id = $1", [id]);
  const history = [BookState.BOOK_STATE_UNSPECIFIED, BookState.BOOK_STATE_ORDERED];
  const found = (await client.listBooks({ parent, filter: 'title = "Lent"' })).books;
  expect(found).toMatchObject([{ name, state: BookState.BOOK_STATE_UNSPECIFIED, history }]);
  await client.updateBook({ book: { ...found[0], title: 'Lost' }, updateMask: ['*'] });
  expect(await library.database.query(stored, [id])).toEqual([{ state: 'LOST', history: ['LOST', 'ORDERED'] }]);
});

describe('requireTables', () => {
  it('refuses to sort by a column that may be null, as later pages would leave out rows', async () => {
    const columns = { origin: 'origin_id', publisher: inColumns('publisher_'), wordCount: 'words' };
    const definition = { table: 'books', columns, sort: ['boughtTime'] } as const;
    await expect(requireTables(library.database, [defineResource(Book, definition)])).rejects.toThrow(
      /^books can't be sorted by bought_time: its column bought_time may be null\. Make it NOT NULL/,
    );
    const byColumn = defineResource(Book, { ...definition, list: { sorted: { bought_time: 'bought_time' } } });
    await expect(requireTables(library.database, [byColumn])).rejects.toThrow('its column bought_time may be null');
    const sorted = { bought_time: "coalesce(bought_time, '9999-12-31Z')" };
    const withValue = defineResource(Book, { ...definition, list: { sorted } });
    await expect(requireTables(library.database, [withValue])).resolves.toBeUndefined();
  });

  it.each([
    ['words', 'text', 'words is text, and its field is stored as bigint NOT NULL DEFAULT 0. Store'],
    ['title', 'bigint USING 0', 'title is bigint, and its field is stored as text'],
    ['tags', "jsonb USING '[]'", 'tags is jsonb, and its field is stored as text[]'],
    ['title', 'varchar(200)', undefined],
    ['words', 'int', undefined],
  ])('finds a column of another type than its field: %s, %s', async (column, type, error) => {
    let found: unknown;
    await library.database
      .transaction(async (tx) => {
        await tx.script(`ALTER TABLE books ALTER ${column} DROP DEFAULT, ALTER ${column} TYPE ${type}`);
        found = await requireTables(tx, [books, shelves]).catch(String);
        throw new Error('undo');
      })
      .catch(() => undefined);
    expect(found).toEqual(error && expect.stringContaining(`books.${error}`));
  });

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
