import { expect, it } from '@jest/globals';
import { nearest } from './nearest.js';

const FIELDS = ['name', 'title', 'display_name'] as const;

it.each([
  ['nme', 'name'],
  ['Titel', 'title'],
  ['displayname', 'display_name'],
  ['x', undefined],
  ['completely_different', undefined],
])('the nearest of the fields to %s is %s', (name, field) => expect(nearest(name, FIELDS)).toBe(field));

it('spends no time on a name that is far too long', () => {
  const before = process.cpuUsage();
  expect(nearest('x'.repeat(4_000_000), FIELDS)).toBeUndefined();
  // A comparison computes for seconds.
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(500);
});
