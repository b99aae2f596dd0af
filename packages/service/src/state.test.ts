import { expect, it } from '@jest/globals';
import { createState, follow } from './state.js';

it('notifies a listener of changes only, until it unsubscribes', () => {
  const state = createState('a');
  const values: string[] = [];
  const unsubscribe = state.subscribe((value) => values.push(value));
  for (const value of ['a', 'b', 'b', 'c']) state.set(value);
  unsubscribe();
  state.set('d');
  expect(values).toEqual(['b', 'c']);
});

it('gives a slow follower the latest value, and ends with its signal', async () => {
  const state = createState(1);
  const stop = new AbortController();
  const values = follow(state, stop.signal);
  expect(await values.next()).toEqual({ done: false, value: 1 });
  state.set(2);
  state.set(3);
  expect(await values.next()).toEqual({ done: false, value: 3 });
  const waiting = values.next();
  stop.abort();
  expect(await waiting).toEqual({ done: true, value: undefined });
});
