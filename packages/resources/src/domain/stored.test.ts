import { describe, expect, it } from '@jest/globals';
import { StaleEtag } from './errors.js';
import { requireUnchanged } from './request.js';
import { dateAt, differs } from './stored.js';

it('a day is that of UTC', () => {
  expect(dateAt(new Date('2026-11-20T23:59:59.999Z'))).toBe('2026-11-20');
});

describe('a change of a resource', () => {
  const present = { title: 'a', price: { units: 1n, currency: 'EUR' }, tags: ['x', 'y'], owner: undefined as unknown };

  it.each([
    [{}],
    [{ title: 'a' }],
    [{ price: { currency: 'EUR', units: 1n } }],
    [{ tags: ['x', 'y'] }],
    [{ owner: undefined }],
  ])('%j changes nothing', (fields) => {
    expect(differs(present, fields)).toBe(false);
  });

  it.each([[{ title: 'b' }], [{ price: { currency: 'EUR', units: 2n } }], [{ tags: ['y', 'x'] }], [{ owner: 'ada' }]])(
    '%o changes something',
    (fields) => {
      expect(differs(present, fields)).toBe(true);
    },
  );

  it('is refused if the resource has changed since it was read', () => {
    expect(() => requireUnchanged('quotes/a', present, () => undefined)).not.toThrow();
    const stale = () => requireUnchanged('quotes/a', present, () => ['title']);
    expect(stale).toThrow(StaleEtag);
    expect(stale).toThrow('quotes/a has changed since its etag was read: title');
  });
});
