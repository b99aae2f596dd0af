import { describe, expect, it } from '@jest/globals';
import { changedSince, etagOf, readEtag } from './etag.js';

const before = { title: 'Desk', price: { currency: 'EUR', minorUnits: 1999n }, note: undefined };

describe('an etag', () => {
  const etag = etagOf({ version: 3n, fields: before });

  it('is in quotes, and the same for the same', () => {
    expect(etag).toMatch(/^"3(-[0-9a-f]{6}){3}"$/);
    expect(etagOf({ version: 3n, fields: structuredClone(before) })).toBe(etag);
    expect(changedSince(etag, { version: 3n, fields: before })).toBe('nothing');
  });

  it('tells which fields have changed since, and none where they are as before', () => {
    const after = { ...before, price: { currency: 'EUR', minorUnits: 2099n }, note: 'new' };
    expect(changedSince(etag, { version: 4n, fields: after })).toEqual(['price', 'note']);
    expect(changedSince(etag, { version: 5n, fields: before })).toEqual([]);
  });

  it('counts a field that came later as changed', () => {
    expect(changedSince(etag, { version: 4n, fields: { ...before, added: 1 } })).toEqual(['added']);
  });

  it.each(['', '3', 'W/"3"', '"x"', '"3-00"', '"3"x'])('is none: %s', (text) => {
    expect(changedSince(text, { version: 3n, fields: before })).toBeUndefined();
  });
});

describe('the etag of a request', () => {
  const read = (etag: string) => {
    const faults: string[] = [];
    const changed = readEtag<bigint>(
      (fault) => faults.push(fault),
      etag,
      (version) => ({ version, fields: { version } }),
    );
    return { faults, changed };
  };

  it('asks what has changed since', () => {
    const { faults, changed } = read(etagOf({ version: 3n, fields: { version: 3n } }));
    expect([faults, changed(3n), changed(4n)]).toEqual([[], undefined, ['version']]);
  });

  it('asks for nothing where it is empty', () => {
    const { faults, changed } = read('');
    expect([faults, changed(4n)]).toEqual([[], undefined]);
  });

  it('is refused where it is none', () => {
    expect(read('"x').faults).toEqual([expect.stringMatching(/^must be the etag of a reply, .* it is "\\"x"$/)]);
  });
});
