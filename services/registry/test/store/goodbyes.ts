import { afterEach, describe, expect, it } from '@jest/globals';
import { LeaseNotFound } from '../../src/domain/errors.js';
import { DEFAULT_TOTAL_LIMITS } from '../../src/domain/limits.js';
import { createFixture, listed, type MakeStore, registration, said, TTL_MS } from './fixture.js';

/** What comes after a goodbye. */
export function describeGoodbyes(makeStore: MakeStore): void {
  const fixture = createFixture(makeStore);
  afterEach(() => fixture.end());

  /** A store whose only instance has said goodbye as its fifth word. */
  async function left() {
    const { store, clock } = await fixture.start();
    const { leaseId } = await store.register(registration(), TTL_MS, said(1n));
    const lease = { leaseId, instanceId: 'sales-1' };
    await store.deregister(lease, 5n);
    return { store, clock, lease };
  }

  describe('after a goodbye', () => {
    it('a registration that it overtook is answered, and brings nobody back', async () => {
      const { store, clock, lease } = await left();
      await clock.advance(TTL_MS - 1);
      const late = await store.register(registration(), TTL_MS, said(4n));
      expect(late).toMatchObject({ leaseId: lease.leaseId, position: { revision: 2n } });
      expect(await listed(store)).toEqual([]);
      await expect(store.renew(lease)).rejects.toBeInstanceOf(LeaseNotFound);
    });

    it('said twice, it still holds', async () => {
      const { store, lease } = await left();
      await store.deregister(lease, 5n);
      await store.register(registration(), TTL_MS, said(2n));
      expect(await listed(store)).toEqual([]);
    });

    it.each([
      ['a later word of the same incarnation', { sequence: 6n }],
      ['the same incarnation where it does not count', { sequence: 0n }],
      ['another incarnation', { incarnation: 2n, sequence: 1n }],
      ['an earlier incarnation', { incarnation: 0n, sequence: 1n }],
    ])(
      '%s registers as usual',
      async (_name, { sequence, incarnation = 1n }: { sequence: bigint; incarnation?: bigint }) => {
        const { store } = await left();
        const { leaseId } = await store.register(registration({ incarnation }), TTL_MS, said(sequence));
        expect(await listed(store)).toMatchObject([{ incarnation }]);
        await store.renew({ leaseId, instanceId: 'sales-1' });
      },
    );

    it('it is remembered for a TTL, and no longer', async () => {
      const { store, clock } = await left();
      await clock.advance(TTL_MS);
      await store.register(registration(), TTL_MS, said(2n));
      expect(await listed(store)).toHaveLength(1);
    });

    it('that counted nothing, nothing is remembered', async () => {
      const { store } = await fixture.start();
      const { leaseId } = await store.register(registration(), TTL_MS, said(1n));
      await store.deregister({ leaseId, instanceId: 'sales-1' });
      await store.register(registration(), TTL_MS, said(1n));
      expect(await listed(store)).toHaveLength(1);
    });

    it('of one that a later incarnation has taken over, its own word is all that is meant', async () => {
      const { store } = await fixture.start();
      const { leaseId } = await store.register(registration(), TTL_MS, said(1n));
      await store.register(registration({ incarnation: 2n }), TTL_MS, said(1n));
      await store.deregister({ leaseId, instanceId: 'sales-1' }, 9n);
      await store.register(registration({ incarnation: 2n }), TTL_MS, said(2n));
      expect(await listed(store)).toMatchObject([{ incarnation: 2n }]);
    });

    it('of many, the latest are remembered: as many as the registry may hold', async () => {
      const { store } = await fixture.start({ limits: { ...DEFAULT_TOTAL_LIMITS, instances: 2 } });
      for (const instanceId of ['a', 'b', 'c']) {
        const { leaseId } = await store.register(registration({ instanceId }), TTL_MS, said(1n));
        await store.deregister({ leaseId, instanceId }, 3n);
      }
      for (const instanceId of ['a', 'b', 'c']) await store.register(registration({ instanceId }), TTL_MS, said(2n));
      expect((await listed(store)).map(({ instanceId }) => instanceId)).toEqual(['a']);
    });
  });
}
