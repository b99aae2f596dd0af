import { describe, expect, it } from '@jest/globals';
import { validate } from '@rondo/rpc/status';
import type { Place } from './domain/list.js';
import { type List, nextPageToken, type PageRequest, readList, readPage, toPageToken } from './list.js';

function read(list: readonly string[], request: Partial<PageRequest>) {
  const faults: string[] = [];
  const field = (path: string) => (fault: string) => faults.push(`${path}: ${fault}`);
  return { page: readPage(field, list, { pageSize: 0, pageToken: '', ...request }), faults };
}

describe('a page', () => {
  const list = ['orders', 'state = PLACED'];

  it('has 50 items by default, and 100 at most', () => {
    expect(read(list, {}).page).toEqual({ size: 50, after: undefined });
    expect(read(list, { pageSize: 1000 }).page.size).toBe(100);
    expect(read(list, { pageSize: -1 }).faults).toEqual([expect.stringMatching(/^page_size: must not be negative/)]);
  });

  it('starts where the last one ended, in the same list only', () => {
    const pageToken = toPageToken(list, { position: 7n });
    expect(read(list, { pageToken })).toEqual({ page: { size: 50, after: { position: 7n } }, faults: [] });
    for (const other of [['orders', ''], ['quotes', 'state = PLACED'], ['orders']]) {
      expect(read(other, { pageToken }).faults).toEqual([
        expect.stringMatching(/^page_token: must be the next_page_token/),
      ]);
    }
    expect(toPageToken(list, undefined)).toBe('');
  });

  it.each(['x', '%', Buffer.from(`after ${2n ** 63n} in 0123456789abcdef`).toString('base64url')])(
    'is refused for the token %s',
    (pageToken) => {
      expect(read(list, { pageToken }).faults).toHaveLength(1);
    },
  );
});

describe('a sorted list', () => {
  const list: List = {
    collection: 'books',
    fields: {
      title: { kind: 'text' },
      pages: { kind: 'integer' },
      copies: { kind: 'integer', unsigned: true },
      print_date: { kind: 'date' },
      create_time: { kind: 'timestamp' },
      shelf: { kind: 'name', pattern: 'shelves/{shelf}', read: (name) => /^shelves\/(.+)$/.exec(name)?.[1] },
      colour: { kind: 'enum', values: ['RED', 'BLUE'] },
      lent: { kind: 'enum', values: ['true', 'false'] },
    },
    sortable: ['title', 'pages', 'copies', 'print_date', 'create_time', 'shelf', 'colour', 'lent'],
  };
  const request = { pageSize: 0, pageToken: '', filter: '' };
  const readBy = (orderBy: string, pageToken = '', of = list) =>
    validate((field) => readList(field, of, { ...request, orderBy, pageToken }));

  it.each([
    ['title', { field: 'title', descending: false }],
    ['  title   desc ', { field: 'title', descending: true }],
    ['', undefined],
    ['  ', undefined],
  ])('is sorted by "%s"', (orderBy, order) => {
    expect(readBy(orderBy).order).toEqual(order);
  });

  it('has the order of the list if the request has none', () => {
    const order = { field: 'create_time', descending: true };
    expect(readBy('', '', { ...list, order }).order).toEqual(order);
    expect(readBy('title', '', { ...list, order }).order).toEqual({ field: 'title', descending: false });
  });

  it.each([
    'price',
    'title,pages',
    'title desc, pages',
    'title asc',
    'title DESC',
    'desc',
    'titledesc',
    ',',
    'constructor',
  ])('is refused for "%s", with the fields by which it can be sorted', (orderBy) => {
    expect(() => readBy(orderBy)).toThrow(
      `order_by: must be one of title, pages, copies, print_date, create_time, shelf, colour, lent, alone or followed by desc; it is "${orderBy}"`,
    );
  });

  it('is refused with a short text, however long it is', () => {
    for (const text of ['x'.repeat(1e6), `title${' '.repeat(1e6)}x`]) {
      expect(() => readBy(text)).toThrow(/^.{1,300}$/);
    }
  });

  it('is refused where a list has one order', () => {
    expect(() => readBy('title', '', { ...list, sortable: [] })).toThrow(
      'order_by: must be empty: this list has one order',
    );
  });

  it.each<[string, Place]>([
    ['title', { position: 5n, value: 'a at b in 5\nafter "ä🦊' }],
    ['title', { position: 5n, value: '' }],
    ['pages', { position: 5n, value: -(2n ** 63n) }],
    ['copies', { position: 5n, value: 2n ** 64n - 1n }],
    ['print_date', { position: 5n, value: '9999-12-31' }],
    ['create_time', { position: 2n ** 63n - 1n, value: new Date('2026-01-31T12:00:00.123Z') }],
    ['shelf', { position: 5n, value: 'one' }],
    ['colour', { position: 5n, value: 'RED' }],
    ['colour', { position: 5n, value: '' }],
    ['lent', { position: 5n, value: 'false' }],
  ])('by %s goes on after %j, in the same order only', (orderBy, place) => {
    const token = nextPageToken(list, { ...request, orderBy }, place);
    expect(readBy(orderBy, token).after).toEqual(place);
    for (const other of [`${orderBy} desc`, '', orderBy === 'pages' ? 'title' : 'pages']) {
      expect(() => readBy(other, token)).toThrow('page_token: must be the next_page_token');
    }
  });

  it.each([
    ['pages', 'x'],
    ['pages', '9223372036854775808'],
    ['print_date', '2026-02-30'],
    ['print_date', 'infinity'],
    ['create_time', '2026-01-31'],
    ['title', 'a\0b'],
    ['shelf', 'a\0b'],
    ['lent', 'x'],
  ])('by %s refuses a token with the value %j', (orderBy, value) => {
    const token = nextPageToken(list, { ...request, orderBy }, { position: 5n, value });
    expect(() => readBy(orderBy, token)).toThrow('page_token: must be the next_page_token');
  });

  it('has tokens of the version before, as long as it is not sorted', () => {
    const token = Buffer.from('after 7 in a9d518e53a5ee920').toString('base64url');
    expect(nextPageToken(list, request, { position: 7n })).toBe(token);
  });
});
