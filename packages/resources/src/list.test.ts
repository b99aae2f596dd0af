import { describe, expect, it } from '@jest/globals';
import { type PageRequest, readPage, toPageToken } from './list.js';
import { ascending, descending } from './sql/query.js';

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
    const pageToken = toPageToken(list, 7n);
    expect(read(list, { pageToken })).toEqual({ page: { size: 50, after: 7n }, faults: [] });
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

  it('is read with one more row, to detect the last page', () => {
    expect(descending({ size: 2, after: undefined })).toEqual([2n ** 63n - 1n, 3]);
    expect(descending({ size: 2, after: 2n })).toEqual([2n, 3]);
    expect(ascending({ size: 2, after: undefined })).toEqual([0n, 3]);
  });
});
