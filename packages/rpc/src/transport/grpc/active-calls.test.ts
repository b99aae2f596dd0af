import { expect, it } from '@jest/globals';
import { InFlight } from './active-calls.js';

it('holds what was added and not deleted, in whatever order that happens', () => {
  const inFlight = new InFlight<{ slot: number; readonly name: string }>();
  const members = [...'abcde'].map((name) => ({ slot: -1, name }));
  const names = () =>
    inFlight
      .all()
      .map(({ name }) => name)
      .sort()
      .join('');
  for (const member of members) inFlight.add(member);
  const [a, b, , d, e] = members;
  if (a === undefined || b === undefined || d === undefined || e === undefined) throw new Error('five members');
  inFlight.delete(b);
  expect(names()).toBe('acde');
  inFlight.delete(b);
  inFlight.delete(d);
  inFlight.delete(e);
  expect(names()).toBe('ac');
  inFlight.add(e);
  for (const member of inFlight.all()) inFlight.delete(member);
  expect(inFlight.size).toBe(0);
});
