import { afterEach, describe, expect, it } from '@jest/globals';
import { LeaseNotFound } from '../../src/domain/errors.js';
import { DEFAULT_TOTAL_LIMITS } from '../../src/domain/limits.js';
import { createFixture, join, listed, type MakeStore, TTL_MS } from './fixture.js';

/** What may follow a deregistration. */
export function describeTombstones(makeStore: MakeStore): void {
  const fixture = createFixture(makeStore);
  afterEach(() => fixture.end());

  /** A store whose only instance has deregistered with sequence 5. */
  async function left() {
    const { store, clock } = await fixture.start();
    const lease = await join(store, {}, 1n);
    await store.deregister(lease, 5n);
    return { store, clock, lease };
  }

  describe('after a deregistration', () => {
    it('a registration that it overtook is answered, but does not bring the instance back', async () => {
      const { store, clock, lease } = await left();
      await clock.advance(TTL_MS - 1);
      const late = await join(store, {}, 4n);
      expect(late).toMatchObject({ leaseId: lease.leaseId, position: { revision: 2n } });
      expect(await listed(store)).toEqual([]);
      await expect(store.renew(lease)).rejects.toBeInstanceOf(LeaseNotFound);
    });

    it('it still holds if it is repeated', async () => {
      const { store, lease } = await left();
      await store.deregister(lease, 5n);
      await join(store, {}, 2n);
      expect(await listed(store)).toEqual([]);
    });

    it.each([
      ['a later call of the same incarnation', { sequence: 6n }],
      ['the same incarnation without a sequence', { sequence: 0n }],
      ['another incarnation', { incarnation: 2n, sequence: 1n }],
      ['an earlier incarnation', { incarnation: 0n, sequence: 1n }],
    ])(
      '%s registers as usual',
      async (_name, { sequence, incarnation = 1n }: { sequence: bigint; incarnation?: bigint }) => {
        const { store } = await left();
        const lease = await join(store, { incarnation }, sequence);
        expect(await listed(store)).toMatchObject([{ incarnation }]);
        await store.renew(lease);
      },
    );

    it('its tombstone is kept for a TTL, and no longer', async () => {
      const { store, clock } = await left();
      await clock.advance(TTL_MS);
      await join(store, {}, 2n);
      expect(await listed(store)).toHaveLength(1);
    });

    it('without a sequence no tombstone is kept', async () => {
      const { store } = await fixture.start();
      const lease = await join(store, {}, 1n);
      await store.deregister(lease);
      await join(store, {}, 1n);
      expect(await listed(store)).toHaveLength(1);
    });

    it('of an incarnation that was taken over, only that incarnation is affected', async () => {
      const { store } = await fixture.start();
      const lease = await join(store, {}, 1n);
      await join(store, { incarnation: 2n }, 1n);
      await store.deregister(lease, 9n);
      await join(store, { incarnation: 2n }, 2n);
      expect(await listed(store)).toMatchObject([{ incarnation: 2n }]);
    });

    it('of many instances, the latest tombstones are kept: as many as the limit of instances', async () => {
      const { store } = await fixture.start({ limits: { ...DEFAULT_TOTAL_LIMITS, instances: 2 } });
      for (const instanceId of ['a', 'b', 'c']) {
        const lease = await join(store, { instanceId }, 1n);
        await store.deregister(lease, 3n);
      }
      for (const instanceId of ['a', 'b', 'c']) await join(store, { instanceId }, 2n);
      expect((await listed(store)).map(({ instanceId }) => instanceId)).toEqual(['a']);
    });
  });
}
