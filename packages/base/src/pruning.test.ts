import { expect, it } from '@jest/globals';
import { createPruning } from './pruning.js';
import { ManualClock } from './testing/manual-clock.js';

it('goes on after a round that fails, and aborts the one that runs when it closes', async () => {
  const clock = new ManualClock();
  const rounds: string[] = [];
  const failures: unknown[] = [];
  const prune = async (signal: AbortSignal) => {
    rounds.push('begin');
    if (rounds.length === 1) throw new Error('away');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    rounds.push('end');
  };
  const random = { next: () => 0.5, hex: () => '' };
  const pruning = createPruning(prune, { clock, random, onError: (error) => failures.push(String(error)) });
  await clock.advance(600_000);
  expect([rounds, failures]).toEqual([['begin'], ['Error: away']]);
  await clock.advance(600_000);
  await pruning.close();
  expect(rounds).toEqual(['begin', 'begin', 'end']);
  await clock.advance(6_000_000);
  expect(rounds).toHaveLength(3);
});
