import { describe, expect, it, jest } from '@jest/globals';
import { changedSince, checkEtag, etagOf, readDate, requireEtag, toDateMessage, toText } from './request-fields.js';

const before = { title: 'Desk', price: { currency: 'EUR', minorUnits: 1999n }, note: undefined };

/** A state of a resource. */
function stateOf(version: bigint, fields: object = before, more: object = {}) {
  const times = {
    createTime: new Date('2026-01-01T00:00:00Z'),
    updateTime: new Date(1_767_225_600_000 + Number(version)),
  };
  return { name: 'products/desk', version, ...times, fields: { ...fields }, ...more };
}

const changes = (etag: string, state: ReturnType<typeof stateOf>) =>
  changedSince(etag, etagOf(state), Object.keys(state.fields));

describe('an etag', () => {
  const etag = etagOf(stateOf(3n));

  it('is in quotes, and equal for equal resources', () => {
    expect(etag).toMatch(/^"3-[0-9a-f]{8}-[0-9a-f]{12}(-[0-9a-f]{6}){3}"$/);
    expect(etagOf(structuredClone(stateOf(3n)))).toBe(etag);
    expect(changes(etag, stateOf(3n))).toBe('nothing');
  });

  it('gives the fields that have changed since, or none', () => {
    const after = { ...before, price: { currency: 'EUR', minorUnits: 2099n }, note: 'new' };
    expect(changes(etag, stateOf(4n, after))).toEqual(['price', 'note']);
    expect(changes(etag, stateOf(5n))).toEqual([]);
  });

  it('is of the JSON of each value, of which bytes take one step each', () => {
    const large = Buffer.alloc(2 ** 21, 7);
    const stamps = { '"': [{ stamp: Buffer.alloc(99), 'a"': 1n, none: undefined }, undefined], at: new Date(0) };
    const bytes = [large, Buffer.alloc(0), new Uint8Array(99), { stamp: Buffer.from([0, 255]) }, stamps];
    const values = [
      null,
      -0,
      Number.NaN,
      1e21,
      true,
      '"\ud800',
      new Date(0),
      2n ** 63n,
      [1n, undefined, [[]]],
      {},
      { '"': { a: 1n } },
    ];
    for (const value of [...bytes, ...values]) {
      expect(toText(value)).toBe(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}` : part)));
    }
    // JSON.stringify would call its function for each byte.
    const stringify = jest.spyOn(JSON, 'stringify');
    toText({ stamp: [large] });
    const calls = stringify.mock.calls.map(([value]) => value);
    stringify.mockRestore();
    expect(calls).toEqual(['stamp']);
  });

  it('counts an added field as changed', () => {
    expect(changes(etag, stateOf(4n, { ...before, added: 1 }))).toEqual(['added']);
  });

  it('is of one resource', () => {
    expect(changes(etag, stateOf(3n, before, { name: 'products/chair' }))).toBe('foreign');
  });

  it('is of one history: the same version comes again after a restore, or has not come yet', () => {
    const later = { updateTime: new Date('2026-02-01T00:00:00Z') };
    expect(changes(etag, stateOf(3n, before, later))).toEqual([]);
    expect(changes(etag, stateOf(3n, { ...before, title: 'Table' }, later))).toEqual(['title']);
    expect(changes(etag, stateOf(3n, { ...before, title: 'Table' }))).toEqual(['title']);
    expect(changes(etag, stateOf(2n))).toBe('foreign');
  });

  it.each(['', '3', '"3"', '"1"', '"x"', '"3-00"', '"3"x', '"3-000000-000000-000000"'])('is not %s', (text) => {
    expect(changes(text, stateOf(3n))).toBe('foreign');
  });
});

describe('the etag of a request', () => {
  const present = { name: 'products/desk', etag: etagOf(stateOf(3n)), paths: Object.keys(before) };

  it('is the present one, or empty', () => {
    expect(() => requireEtag(present, present.etag)).not.toThrow();
    expect(() => requireEtag(present, '')).not.toThrow();
    const earlier = etagOf(stateOf(2n, { ...before, title: 'Table' }));
    expect(() => requireEtag(present, earlier)).toThrow('products/desk has changed since its etag was read: title');
    expect(() => requireEtag(present, '"1"')).toThrow('products/desk never had this etag');
  });

  it('is refused if it is malformed', () => {
    const faults: string[] = [];
    for (const etag of ['"x', '', '"1"']) checkEtag((fault) => faults.push(fault), etag);
    expect(faults).toEqual([expect.stringMatching(/^must be the etag of a reply, .* it is "\\"x"$/)]);
  });
});

const unexpected = (fault: string) => expect(fault).toBe('none');

describe('dates', () => {
  it.each([
    ['2024-02-29', { year: 2024, month: 2, day: 29 }],
    ['2000-02-29', { year: 2000, month: 2, day: 29 }],
    ['0001-01-01', { year: 1, month: 1, day: 1 }],
    ['9999-12-31', { year: 9999, month: 12, day: 31 }],
  ])('%s is a day', (date, { year, month, day }) => {
    expect(readDate(unexpected, { year, month, day })).toBe(date);
    expect(toDateMessage(date)).toEqual({ year, month, day });
  });

  it.each([
    [2023, 2, 29],
    [1900, 2, 29],
    [2025, 4, 31],
    [2025, 13, 1],
    [2025, 1, 0],
    [0, 1, 1],
    [10_000, 1, 1],
    [2025, 0, 0],
  ])('%d-%d-%d is none', (year, month, day) => {
    const faults: string[] = [];
    expect(readDate((fault) => faults.push(fault), { year, month, day })).toBeUndefined();
    expect(faults).toEqual([`must be a day of the years 1 to 9999; it is year ${year}, month ${month}, day ${day}`]);
  });
});

it('is undefined if it is unset', () => {
  expect(readDate(unexpected, undefined)).toBeUndefined();
  expect(toDateMessage(undefined)).toBeUndefined();
});
