import { expect, it } from '@jest/globals';
import { recordingLog, registration, TTL_MS } from '../../../test/store/fixture.js';
import { StoppableClock } from '../../../test/store/stoppable-clock.js';
import { Reaper } from './reaper.js';

it('gives leases that ran out while the registry was suspended time to be renewed', async () => {
  const clock = new StoppableClock();
  const { log, lines } = recordingLog();
  const removed: string[] = [];
  const remove = async (instanceId: string) => {
    removed.push(instanceId);
    left.delete(instanceId);
    reaper.onGone(instanceId);
  };
  const left = new Set(['sales-1', 'sales-2']);
  const reaper = new Reaper({ clock, ioClock: clock, log, size: () => left.size, remove });
  const lease = { leaseId: '1-a', etcdLease: 1n, registerTimeMs: 0, ttlMs: TTL_MS, sequence: 0n };
  const lapse = (instanceId: string) => reaper.onLapse(instanceId, { ...lease, registration: registration() });
  for (const instanceId of left) reaper.onAlive(instanceId);
  await clock.stopFor(60_000);
  for (const instanceId of left) lapse(instanceId);
  expect(lines).toEqual(['warn: the registry was away: leases get extra time to be renewed']);
  await clock.advance((2 * TTL_MS) / 3);
  reaper.onAlive('sales-1');
  await clock.advance(2 * TTL_MS);
  expect(removed).toEqual(['sales-2']);
  lapse('sales-1');
  await clock.advance(1_000);
  expect(removed).toEqual(['sales-2', 'sales-1']);
  expect(clock.timers).toBe(0);
});
