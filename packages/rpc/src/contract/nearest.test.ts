import { expect, it } from '@jest/globals';
import { listNames, nearest } from './nearest.js';

const FIELDS = ['name', 'title', 'display_name'] as const;

it.each([
  ['nme', 'name'],
  ['Titel', 'title'],
  ['displayname', 'display_name'],
  ['x', undefined],
  ['completely_different', undefined],
])('the nearest of the fields to %s is %s', (name, field) => expect(nearest(name, FIELDS)).toBe(field));

it('compares no long names, and not any number of them', () => {
  expect(nearest('x'.repeat(4_000_000), FIELDS)).toBeUndefined();
  expect(nearest(`b${'a'.repeat(60_000)}`, [`a${'a'.repeat(60_000)}`])).toBeUndefined();
  const many = Array.from({ length: 100_000 }, (_, index) => `${'a'.repeat(90)}_${index}`);
  expect(nearest('a'.repeat(93), many)).toBe(many[0]);
});

it('lists the first of many names', () => {
  expect(listNames(FIELDS)).toBe('name, title, display_name');
  expect(listNames(Array.from({ length: 100_000 }, () => 'x'.repeat(1_500)))).toHaveLength(2_001);
});
