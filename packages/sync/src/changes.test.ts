import { expect, it } from '@jest/globals';
import { payloadFields } from './changes.js';

const fields = payloadFields({
  title: 'Desk',
  tags: ['a', 'b'],
  lines: [{ quantity: '2' }],
  count: '9007199254740993',
  time: '2026-11-20T10:00:00.000Z',
  none: null,
  price: { currency: 'EUR' },
});

it('reads each kind of field', () => {
  expect(fields.text('title')).toBe('Desk');
  expect([fields.optional('title'), fields.optional('none'), fields.optional('absent')]).toEqual(['Desk', null, null]);
  expect(fields.texts('tags')).toEqual(['a', 'b']);
  expect(fields.list('lines').map((line) => payloadFields(line).whole('quantity'))).toEqual([2n]);
  expect(fields.whole('count')).toBe(9_007_199_254_740_993n);
  expect(fields.time('time')).toEqual(new Date('2026-11-20T10:00:00Z'));
  expect([fields.optionalTime('time'), fields.optionalTime('none')]).toEqual([fields.time('time'), null]);
  expect(fields.nested('price').text('currency')).toBe('EUR');
});

it.each([
  ['missing', () => fields.text('absent')],
  ['no text', () => fields.text('price')],
  ['no list', () => fields.list('title')],
  ['something other than texts', () => fields.texts('lines')],
  ['no object', () => fields.nested('title')],
  ['no object', () => payloadFields(null)],
])('names the fault: %s', (wrong, read) => {
  expect(read).toThrow(new RegExp(wrong));
});
