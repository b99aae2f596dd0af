import { expect, it } from '@jest/globals';
import { payloadFields } from './changes.js';

const fields = payloadFields({
  title: 'Desk',
  tags: ['a', 'b'],
  lines: [{ quantity: '2' }],
  count: '9007199254740993',
  none: null,
  price: { currency: 'EUR' },
});

it('reads each kind of field', () => {
  expect(fields.text('title')).toBe('Desk');
  expect([fields.optional('title'), fields.optional('none'), fields.optional('absent')]).toEqual(['Desk', null, null]);
  expect(fields.texts('tags')).toEqual(['a', 'b']);
  expect(fields.list('lines').map((line) => payloadFields(line).whole('quantity'))).toEqual([2n]);
  expect(fields.whole('count')).toBe(9_007_199_254_740_993n);
});

it.each([
  ['missing', () => fields.text('absent')],
  ['no text', () => fields.text('price')],
  ['no list', () => fields.list('title')],
  ['something other than texts', () => fields.texts('lines')],
  ['no object', () => payloadFields(null)],
])('names the fault: %s', (wrong, read) => {
  expect(read).toThrow(new RegExp(wrong));
});
