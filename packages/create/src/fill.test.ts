import { expect, it } from '@jest/globals';
import { fill } from './fill.js';

const text = 'a: {{name}}\n  # database\n  b: {{@rondo/x}}\n  # /database\n# no database\nc: 1\n# /no database\n';
const values = { name: 'shop', '@rondo/x': '1.2.3' };

it('fills in values, and keeps the lines with or without a database', () => {
  expect(fill(text, { values, withDatabase: true })).toBe('a: shop\n  b: 1.2.3\n');
  expect(fill(text, { values, withDatabase: false })).toBe('a: shop\nc: 1\n');
});

it('ends a file with one line break, whatever is left out', () => {
  expect(fill('a\n\n# database\nb\n# /database\n', { values, withDatabase: false })).toBe('a\n');
});

it('refuses a name that has no value', () => {
  expect(() => fill('{{nme}}', { values, withDatabase: true })).toThrow('the template names nme, which has no value');
});
