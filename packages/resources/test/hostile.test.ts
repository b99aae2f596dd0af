/** What strangers send through each door of the standard methods. */

import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Book, BookState } from '@rondo/contracts/rondo/conformance/v1/library';
import { seededRandom } from '@rondo/rpc/testing';
import { readBooks, refused, startLibrary } from './library.js';

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

describe('names', () => {
  const NAMES = `
shelves/one
shelves/one/books/
shelves/one/books/'
shelves/one/books/-
shelves/-/books/b1
shelves/one/books/b1/
/shelves/one/books/b1
SHELVES/one/books/b1
shelves/one/books/b1 OR 1=1
shelves/../books/b1
magazines/1`.split('\n');

  it('of other collections and malformed ones are refused by each method that takes one', async () => {
    for (const name of NAMES) {
      await refused(client.getBook({ name }), 'INVALID_ARGUMENT', /^name: must be of the pattern shelves/);
      await refused(client.updateBook({ book: { name, title: 'X' } }), 'INVALID_ARGUMENT', /^book\.name: must be of/);
      await refused(client.deleteBook({ name }), 'INVALID_ARGUMENT', /^name: must be of/);
      await refused(client.undeleteBook({ name }), 'INVALID_ARGUMENT', /^name: must be of/);
    }
  });

  const PARENTS = [
    '',
    'shelves',
    'shelves/',
    'magazines/one',
    'magazines/-',
    '/-',
    'x/-',
    'shelves/-/',
    'shelves/one/-',
  ];

  it('of parents too; a create has one parent', async () => {
    for (const wrong of [...PARENTS, 'shelves/-'])
      await refused(
        client.createBook({ parent: wrong, book: { title: 'X' } }),
        'INVALID_ARGUMENT',
        /^parent: must be of the pattern shelves\/\{shelf\}/,
      );
    for (const wrong of PARENTS) {
      await refused(client.listBooks({ parent: wrong }), 'INVALID_ARGUMENT', /^parent: must be of.*, or - for all/);
      const watch = readBooks(client.watchBooks({ parent: wrong }));
      await refused(watch.next(), 'INVALID_ARGUMENT', /^parent: must be of/);
    }
  });

  it('of new resources are checked', async () => {
    for (const bookId of ['A', '-a', 'a/b', 'a'.repeat(64), "'"])
      await refused(
        client.createBook({ parent, bookId, book: { title: 'X' } }),
        'INVALID_ARGUMENT',
        /^book_id: must be/,
      );
  });
});

describe('masks', () => {
  const PATHS =
    `create_time update_time delete_time name etag lent colour id version __proto__ publisher.x publisher.city.x
    publisher. found_place.readers found_place.labels.0 bought_time.seconds publisher_city editions.0 title.x Title bookState book.title title; * ,`.split(
      /\s+/,
    );

  it('refuse fields that only the server or a create sets, parts of lists and values, and unknown ones', async () => {
    const { name } = await add();
    for (const path of [...PATHS.filter((one) => one !== '*'), 'title; DROP TABLE books', '']) {
      const update = client.updateBook({ book: { name, title: 'X' }, updateMask: ['title', path] });
      await refused(update, 'INVALID_ARGUMENT', /^update_mask: names ".*"; it must be of title, state, /);
    }
    expect((await client.getBook({ name })).title).toBe('Emma');
  });

  it('have no more paths than a resource can have fields', async () => {
    const { name } = await add();
    const updateMask = Array.from({ length: 1_001 }, (_, index) => `x${index}`);
    const update = client.updateBook({ book: { name, title: 'X' }, updateMask });
    await refused(update, 'INVALID_ARGUMENT', /^update_mask: must have at most 1000 paths; it has 1001$/);
  });

  it('may name what only a create sets, with its present value', async () => {
    const { name, isbn } = await add('Emma', { isbn: 'kept once' });
    for (const updateMask of [['isbn', 'title'], []]) {
      expect((await client.updateBook({ book: { name, isbn, title: 'Y' }, updateMask })).title).toBe('Y');
      await refused(
        client.updateBook({ book: { name, isbn: 'other', title: 'Z' }, updateMask }),
        'INVALID_ARGUMENT',
        /^book\.isbn: can't be changed after the create; send its present value, or leave it out$/,
      );
    }
    expect(await client.getBook({ name })).toMatchObject({ isbn: 'kept once', title: 'Y' });
  });

  it('may name a field twice, and all next to one', async () => {
    const made = await add('Emma', { isbn: 'kept', tags: ['a'] });
    const { name } = made;
    const twice = await client.updateBook({ book: { name, title: 'X', tags: ['b'] }, updateMask: ['title', 'title'] });
    expect(twice).toMatchObject({ title: 'X', tags: ['a'] });
    const all = await client.updateBook({
      book: { name, title: 'Y', isbn: 'other', lent: true },
      updateMask: ['tags', '*'],
    });
    expect(all).toMatchObject({ title: 'Y', tags: [], isbn: 'kept', lent: false, createTime: made.createTime });
    await refused(
      client.updateBook({ book: { name }, updateMask: ['*'] }),
      'INVALID_ARGUMENT',
      /^book\.title: must be at least 1 character/,
    );
  });
});

describe('etags', () => {
  it('let exactly one of two updates pass, and tell the others what has changed', async () => {
    const { name, etag } = await add();
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => client.updateBook({ book: { name, title: `T${index}`, etag } })),
    );
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const update = (sent: string) => client.updateBook({ book: { name, owner: 'x', etag: sent } });
    await refused(update(etag), 'ABORTED', /has changed since its etag was read: title/);
    await refused(update((await add()).etag), 'ABORTED', /never had this etag/);
    for (const malformed of ['no tag', '"', 'W/"1"'])
      await refused(update(malformed), 'INVALID_ARGUMENT', /^book\.etag: must be the etag of a reply/);
    await refused(client.deleteBook({ name, etag }), 'ABORTED');
  });

  it('are compared by a delete and an undelete, unless nothing is to be done', async () => {
    const { name, etag } = await add();
    await expect(client.undeleteBook({ name, etag: '"0-00000000-000000000000"' })).resolves.toMatchObject({ name });
    const deleted = await client.deleteBook({ name, etag });
    await refused(client.undeleteBook({ name, etag }), 'ABORTED', /has changed since its etag was read: delete_time/);
    await refused(client.undeleteBook({ name, etag: 'no tag' }), 'INVALID_ARGUMENT', /^etag: must be/);
    expect((await client.undeleteBook({ name, etag: deleted.etag })).deleteTime).toBeUndefined();
  });
});

describe('request ids', () => {
  it('have one effect, and another request with one is refused', async () => {
    const request = { parent, book: { title: 'Once' }, requestId: randomUUID() };
    const made = await Promise.all(Array.from({ length: 5 }, () => client.createBook(request)));
    expect(new Set(made.map(({ name }) => name)).size).toBe(1);
    for (const other of [{ parent: 'shelves/two' }, { book: { title: 'Twice' } }, { bookId: 'x' }])
      await refused(client.createBook({ ...request, ...other }), 'ALREADY_EXISTS');
    expect((await client.listBooks({ parent: 'shelves/-', filter: 'title = "Once"' })).books).toHaveLength(1);
  });

  it('are of one caller each', async () => {
    const request = { parent, book: { title: 'Of whom' }, requestId: randomUUID() };
    const [ofAda, ofBob] = [await library.as('ada').createBook(request), await library.as('bob').createBook(request)];
    expect([ofAda.owner, ofBob.owner]).toEqual(['ada', 'bob']);
    expect(ofAda.name).not.toBe(ofBob.name);
  });
});

describe('values', () => {
  const [edition = Book.fromPartial({})] = [Book.fromPartial({ editions: [{}] }).editions[0]];
  const VALUES: Readonly<Record<string, object>> = {
    'NaN and the infinities': {
      rating: Number.NaN,
      score: Number.NEGATIVE_INFINITY,
      ratings: [Number.NaN, Infinity, -Infinity, 1.5],
      editions: [
        { ...edition, rating: Number.NaN, score: Infinity },
        { ...edition, rating: -Infinity, score: Number.NaN },
      ],
    },
    'the largest and the smallest': {
      rating: Number.MAX_VALUE,
      score: Math.fround(3.4e38),
      ratings: [5e-324, Number.MIN_SAFE_INTEGER],
      marks: [9_007_199_254_740_993n, -(2n ** 63n)],
      place: 2 ** 32 - 1,
      pageCount: -(2 ** 31),
      copies: 2n ** 64n - 1n,
      wordCount: 2n ** 63n - 1n,
      editions: [{ ...edition, rating: 5e-324, score: Math.fround(1e-45), pages: 2 ** 32 - 1, copies: -(2n ** 63n) }],
    },
    'what four bytes have of a fraction': {
      score: Math.fround(0.1),
      editions: [{ ...edition, score: Math.fround(0.1) }],
    },
    bytes: {
      cover: Buffer.from([0, 92, 255]),
      scans: [Buffer.from([92]), Buffer.alloc(0), Buffer.from('"{},')],
      editions: [{ ...edition, stamp: Buffer.from([0, 255]) }],
    },
    'enums in lists, the zero included': {
      history: [BookState.BOOK_STATE_UNSPECIFIED, BookState.BOOK_STATE_PRESENT],
      editions: [{ ...edition, history: [BookState.BOOK_STATE_UNSPECIFIED, BookState.BOOK_STATE_ORDERED] }],
    },
    'lists of times and of truths': {
      answers: [true, false],
      lentTimes: [new Date(0), new Date('0001-01-01T00:00:00Z')],
      boughtTime: new Date('9999-12-31T23:59:59.999Z'),
    },
    'messages in messages': {
      publisher: { title: '', city: '', founded: 0n },
      editions: [edition, { ...edition, printer: { title: 'T', city: '', founded: 2n ** 62n } }],
      notes: { a: [null, { b: 1.5 }], 'c"': "\\'", __proto__x: '' },
    },
    texts: { tags: ['{}', 'NULL', 'null', '"', '\\', "'", ',', ' ', '\u202e', '🦊', '\n'], title: '\\x00 \u0001 {' },
  };

  it.each(Object.entries(VALUES))('come back from each door as they went in: %s', async (_what, values) => {
    const watch = readBooks(client.watchBooks({ parent, fromNow: true }));
    await watch.snapshot();
    const sent = { title: 'Emma', ...values };
    const made = await client.createBook({ parent, book: sent });
    expect(made).toMatchObject(sent);
    expect(await watch.changed()).toEqual(made);
    expect(await client.getBook({ name: made.name })).toEqual(made);
    // The same values are no change, and others come back too.
    expect(await client.updateBook({ book: { ...made } })).toEqual(made);
    const { name } = await add();
    expect(await client.updateBook({ book: { name, ...sent }, updateMask: ['*'] })).toMatchObject(sent);
    await watch.end();
  });

  it('have one zero at each door', async () => {
    const zeros = (zero: number) => ({
      rating: zero,
      score: zero,
      ratings: [zero],
      editions: [{ ...edition, rating: zero }],
    });
    const { name } = await add('Emma', zeros(-0));
    expect(await client.getBook({ name })).toMatchObject(zeros(0));
  });

  const WRONG: readonly (readonly [book: object, message: RegExp])[] = [
    [{ state: 9 }, /^book\.state: must be one of UNSPECIFIED, ORDERED, PRESENT; it is the number 9$/],
    [{ history: Array.from({ length: 1_000 }, () => 9) }, /^book\.history\[0\]: .*; and \d\d more$/],
    [{ history: [1, 9] }, /^book\.history\[1\]: must be one of .*; it is the number 9$/],
    [{ editions: [edition, { ...edition, state: -1 }] }, /^book\.editions\[1\]\.state: must be one of /],
    [{ editions: [{ ...edition, history: [7] }] }, /^book\.editions\[0\]\.history\[0\]: must be one of /],
    [{ tags: ['a', '\0'] }, /^book\.tags\[1\]: must be valid UTF-8 without NUL/],
    [{ publisher: { title: 'a\0' } }, /^book\.publisher\.title: must be valid UTF-8 without NUL/],
    [{ isbn: '\0' }, /^book\.isbn: must be valid UTF-8 without NUL/],
    [
      { editions: [{ ...edition, translators: ['\0'] }] },
      /^book\.editions\[0\]\.translators\[0\]: must be valid UTF-8 without NUL/,
    ],
    [{ boughtTime: new Date(8.64e15) }, /^book\.bought_time: must be/],
    [{ lentTimes: [new Date(0), new Date(-8.64e15)] }, /^book\.lent_times\[1\]: must be/],
    [{ editions: [{ ...edition, printTime: new Date(253402300800000) }] }, /^book\.editions\[0\]\.print_time: must be/],
    [{ notes: { a: ['\0'] } }, /^book\.notes\S*: must be valid UTF-8 without NUL/],
    [{ notes: { a: Number.NaN } }, /^book\.notes: must have numbers that JSON has/],
  ];

  it.each(WRONG)('that the table can not keep are refused, with the field: %j', async (fields, message) => {
    const count = async () => (await library.database.query('SELECT FROM books')).length;
    const before = await count();
    await refused(add('Emma', fields), 'INVALID_ARGUMENT', message);
    expect(await count()).toBe(before);
    const { name } = await add();
    await refused(client.updateBook({ book: { name, ...fields } }), 'INVALID_ARGUMENT', message);
  });
});

it('a text that its index can not hold is refused, with the field', async () => {
  const owner = randomBytes(4_500).toString('base64');
  const message = /^book\.owner: has 6000 bytes, more than its index holds; send at most 2,000$/;
  await refused(add('Emma', { owner }), 'INVALID_ARGUMENT', message);
  const { name } = await add();
  await refused(client.updateBook({ book: { name, owner } }), 'INVALID_ARGUMENT', message);
});

describe('lists', () => {
  const CHOSEN = [
    ...`
'|"|\\|\0|;|--|/*|$1|$$1|%|_|)|(|*|=|NULL|TRUE|title|AND
title = '|title = "|title = "a\\"|title = ''' OR 1=1 --'|title = "x" OR title = "y"|NOT lent
id = "1"|version > 0|sequence > 0|publisher_city = "x"|words > 1|price > 1|tags = "a"
title.x = "a"|TITLE = "a"|__proto__ = "a"|constructor = "a"|toString != "a"|title LIKE "%"
word_count > 9223372036854775808|word_count > 1e3|word_count > 0x10|word_count > "1"|lent = maybe
state = BOOK_STATE_PRESENT|state = UNSPECIFIED|state > PRESENT|publish_date = "2026-02-30"
create_time > "yesterday"|create_time > now()|origin = "shelves/'"|origin = "books/one"|origin > "shelves/a"
title = "a" AND|AND title = "a"|title = "a" title = "b"|title == "a"|title <> "a"
title = "a", title = "b"|title: "a"|title = "\0"|title = a b|title =|= "a"|title "a"|"title" = "a"
price.units > 1|publisher.city = "x"|editions.year = 1|tags:"a"|history = 1|cover = "a"|rating > 1|etag = "1"|name = "a"
has(title)|title.matches("a")|title in ["a"]|-title = "a"|title = "a" && lent|title = "a" || lent
order_by title|title NULLS FIRST|title collate "C"|title desc, title|title,|, title|title/**/desc
title desc|title;|title asc|title, word_count|price|id|random()|1|title desc desc|-title
0|null|Infinity|e30=|YWZ0ZXIgMSBpbiAwMDAwMDAwMDAwMDAwMDAw|%00|🦊|\u202e|x`
      .split(/[|\n]/)
      .slice(1),
    ...['a'.repeat(2_001), Array.from({ length: 17 }, () => 'title = "a"').join(' AND ')],
  ];

  it('refuse a filter, an order and a token as such, or find what they say', async () => {
    expect(CHOSEN.length).toBeGreaterThanOrEqual(90);
    await add('Found', { owner: 'O\'Hara "x" \\ --' });
    const { next } = seededRandom(20_261_126);
    const below = (limit: number) => Math.floor(next() * limit);
    const parts = `title word_count state = != < > " \\ AND OR ( ) ' - 1 -- ; $1 PRESENT \u0000 é desc ,`.split(' ');
    const random = () =>
      Array.from({ length: 1 + below(12) }, () => parts[below(parts.length)] ?? '').join(below(2) === 0 ? '' : ' ');
    const inputs = [...CHOSEN, ...Array.from({ length: 1_000 }, random)];
    let refusals = 0;
    for (const input of inputs) {
      for (const request of [{ filter: input }, { orderBy: input }, { pageToken: input }]) {
        if (Object.values(request)[0] === '') continue;
        const reply = await client.listBooks({ parent, ...request }).catch((error: unknown) => error);
        if (!(reply instanceof Error)) continue;
        await refused(Promise.reject(reply), 'INVALID_ARGUMENT', /^(?:filter|order_by|page_token): /);
        refusals += 1;
      }
    }
    expect(refusals).toBeGreaterThan(inputs.length);
    expect((await library.database.query('SELECT FROM books')).length).toBeGreaterThan(5);
    const filter = `owner = ${JSON.stringify('O\'Hara "x" \\ --')}`;
    expect((await client.listBooks({ parent, filter })).books).toMatchObject([{ title: 'Found' }]);
  });

  it('have pages of the one list and the one caller only', async () => {
    await Promise.all([add(), add(), add()]);
    for (const [orderBy, forged] of [
      ['', 'after 9223372036854775808 in '],
      ['title', 'after 1 in '],
    ] as const) {
      const asked = { parent, pageSize: 1, orderBy };
      const { nextPageToken: pageToken } = await client.listBooks(asked);
      await expect(client.listBooks({ ...asked, pageToken })).resolves.toBeDefined();
      const digest = / in (\w+)/.exec(Buffer.from(pageToken, 'base64url').toString())?.[1] ?? '';
      const others = [
        ...[{ parent: 'shelves/two' }, { parent: 'shelves/-' }, { filter: 'lent = false' }, { orderBy: 'title desc' }],
        ...[{ showDeleted: true }, { pageToken: Buffer.from(`${forged}${digest} at x\0`).toString('base64url') }],
      ];
      for (const other of others)
        await refused(client.listBooks({ ...asked, pageToken, ...other }), 'INVALID_ARGUMENT', /^page_token: must be/);
      await refused(library.as('ada').listBooks({ ...asked, pageToken }), 'INVALID_ARGUMENT', /^page_token: must be/);
    }
  });

  it('have pages of a hundred at most', async () => {
    for (const pageSize of [-1, -(2 ** 31)])
      await refused(client.listBooks({ parent, pageSize }), 'INVALID_ARGUMENT', /^page_size: must not be negative/);
    await library.database.query(
      "INSERT INTO books (shelf_id, id, title) SELECT 'many', 'm' || n, 'Many' FROM generate_series(1, 150) AS n",
    );
    expect((await client.listBooks({ parent: 'shelves/many', pageSize: 2 ** 31 - 1 })).books).toHaveLength(100);
    expect((await client.listBooks({ parent: 'shelves/many' })).books).toHaveLength(50);
  });
});

it('watches resume by a token of the same watch and caller only', async () => {
  const watch = readBooks(client.watchBooks({ parent, fromNow: true }));
  await watch.snapshot();
  const resumeToken = watch.token();
  await watch.end();
  const asked = { parent, fromNow: true, resumeToken };
  const wrong = [
    ...[
      { parent: 'shelves/two' },
      { parent: 'shelves/-' },
      { fromNow: false },
      { resumeToken: "'" },
      { resumeToken: '0' },
    ],
  ];
  for (const other of wrong)
    await refused(
      readBooks(client.watchBooks({ ...asked, ...other })).next(),
      'INVALID_ARGUMENT',
      /^resume_token: must/,
    );
  await refused(readBooks(library.as('ada').watchBooks(asked)).next(), 'INVALID_ARGUMENT', /^resume_token: must/);
});
