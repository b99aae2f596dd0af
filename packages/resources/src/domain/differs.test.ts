import { describe, expect, it } from '@jest/globals';
import { differs } from './differs.js';

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
});
