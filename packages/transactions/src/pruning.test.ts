import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import type { Queries } from '@rondo/database';
import { silentLogger } from '@rondo/rpc/call';
import { pruneOld } from './pruning.js';

it('removes all that is old in one round, a batch after the other, so that no load outgrows it', async () => {
  const clock = new ManualClock();
  const batches = [1_000, 1_000, 1_000, 7];
  let removed = 0;
  const query = async () => {
    const count = batches.shift() ?? 0;
    removed += count;
    return Array.from({ length: count }, () => ({}));
  };
  const database = { query } as unknown as Pick<Queries, 'query'>;
  const random = { next: () => 0.5, hex: () => '' };
  const pruning = pruneOld('branches', { database, log: silentLogger, clock, random });
  await clock.advance(600_000);
  expect([removed, batches]).toEqual([3_007, []]);
  await pruning.close();
});
