import { afterEach, describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/rpc/testing';
import { InstanceTakenOver, LeaseNotFound } from '../../src/domain/errors.js';
import type { Registration } from '../../src/domain/instance.js';
import type { RegistryStore } from '../../src/domain/store.js';
import { createFixture, join, type MakeStore, ownSecret, registration, TTL_MS, WatchClient } from './fixture.js';
import type { StoreSizes } from './model.js';

/** The ids of all instances, in order. */
export async function ids(store: RegistryStore): Promise<readonly string[]> {
  const { instances } = await store.listInstances({ service: undefined, afterId: '', pageSize: 1000 });
  return instances.map(({ instanceId }) => instanceId);
}

export function describeLeases(makeStore: MakeStore, { leases = 300 }: StoreSizes = {}): void {
  const fixture = createFixture(makeStore);
  afterEach(() => fixture.end());

  describe('a lease', () => {
    it('is live for a whole TTL from each renewal', async () => {
      const { store, clock } = await fixture.start();
      const lease = await join(store);
      for (let renewal = 0; renewal < 5; renewal += 1) {
        await clock.advance(TTL_MS - 1);
        expect(await store.renew(lease)).toMatchObject({ ttlMs: TTL_MS, position: { revision: 1n } });
      }
      await clock.advance(TTL_MS);
      await expect(store.renew(lease)).rejects.toBeInstanceOf(LeaseNotFound);
    });

    it(`among ${leases}, each runs out at its own time, independently of the others`, async () => {
      const { store, clock } = await fixture.start();
      const random = seededRandom(7);
      const living = new Map<string, { leaseId: string; ttlMs: number; until: number; dies: boolean }>();
      for (let index = 0; index < leases; index += 1) {
        // Few enough die that the guard doesn't hold them back.
        const lease = { ttlMs: 3000 + Math.floor(random.next() * 20_000), dies: index % 9 === 0 };
        const instanceId = `i-${String(index).padStart(3, '0')}`;
        const { leaseId } = await store.register(registration({ instanceId }), lease.ttlMs, ownSecret());
        living.set(instanceId, { ...lease, leaseId, until: clock.now() + lease.ttlMs });
      }
      for (let step = 0; step < 120; step += 1) {
        await clock.advance(250);
        for (const [instanceId, { until }] of living) if (until <= clock.now()) living.delete(instanceId);
        expect(await ids(store)).toEqual([...living.keys()]);
        for (const [instanceId, lease] of living) {
          const { leaseId, ttlMs, until, dies } = lease;
          if (random.next() < 0.001) {
            await store.deregister({ leaseId, instanceId });
            living.delete(instanceId);
          } else if (dies ? step < 20 && random.next() < 0.1 : until - clock.now() < ttlMs / 2) {
            await store.renew({ leaseId, instanceId });
            lease.until = clock.now() + ttlMs;
          }
        }
      }
      expect(living.size).toBeGreaterThan((leases * 2) / 3);
      expect([...living.values()].some(({ dies }) => dies)).toBe(false);
    });

    it('that is unknown, or of another instance, is not found', async () => {
      const { store } = await fixture.start();
      const { leaseId } = await join(store);
      await join(store, { instanceId: 'sales-2' });
      for (const lease of [
        { leaseId: '1-unknown', instanceId: 'sales-1' },
        { leaseId: 'garbage', instanceId: 'sales-1' },
        { leaseId, instanceId: 'sales-2' },
        { leaseId, instanceId: 'sales-3' },
      ]) {
        await expect(store.renew(lease)).rejects.toBeInstanceOf(LeaseNotFound);
        await expect(store.update(lease, { weight: 1 })).rejects.toBeInstanceOf(LeaseNotFound);
        expect(await store.deregister(lease)).toMatchObject({ revision: 2n });
      }
      expect(await ids(store)).toEqual(['sales-1', 'sales-2']);
    });

    it('ends with a deregistration, which may be repeated', async () => {
      const { store } = await fixture.start();
      const lease = await join(store);
      expect(await store.deregister(lease)).toMatchObject({ revision: 2n });
      expect(await store.deregister(lease)).toMatchObject({ revision: 2n });
      await expect(store.renew(lease)).rejects.toBeInstanceOf(LeaseNotFound);
    });

    it('leaves no timer behind when the store closes', async () => {
      const { store, clock } = await fixture.start({ warmingMs: TTL_MS });
      await join(store);
      const follower = new WatchClient(store);
      await follower.next();
      await follower.poll(clock);
      expect(clock.timers).toBeGreaterThan(0);
      await store.close();
      expect(clock.timers).toBe(0);
    });
  });

  describe('registering again', () => {
    it('keeps the lease and the revision if nothing changed, and renews', async () => {
      const { store, clock } = await fixture.start();
      const maps = (map: Record<string, string>) => registration({ metadata: map, fingerprints: map });
      const first = await store.register(maps({ a: '1', b: '2' }), TTL_MS, ownSecret());
      await clock.advance(TTL_MS - 1);
      expect(await store.register(maps({ b: '2', a: '1' }), TTL_MS, ownSecret())).toEqual(first);
      await clock.advance(TTL_MS - 1);
      expect(await ids(store)).toEqual(['sales-1']);
    });

    it('applies what changed, and keeps the time at which the incarnation first registered', async () => {
      const { store, clock } = await fixture.start();
      const startMs = clock.now();
      const first = await join(store);
      await clock.advance(500);
      const again = await join(store, { version: '2' });
      expect(again).toMatchObject({ leaseId: first.leaseId, position: { revision: 2n } });
      const { instances } = await store.listInstances({ service: undefined, afterId: '', pageSize: 1 });
      expect(instances).toMatchObject([{ version: '2', registerTimeMs: startMs, revision: 2n }]);
    });

    it('sends a changed fingerprint to watchers', async () => {
      const { store } = await fixture.start();
      const speaks = (fingerprint: string, part: Partial<Registration> = {}) =>
        store.register(
          registration({ fingerprints: { 'sales.v1.OrderService': fingerprint }, ...part }),
          TTL_MS,
          ownSecret(),
        );
      await speaks('3f2a');
      const follower = new WatchClient(store);
      await follower.next();
      await speaks('9b10', { incarnation: 2n });
      await follower.next();
      expect(follower.held.get('sales-1')?.fingerprints).toEqual({ 'sales.v1.OrderService': '9b10' });
    });

    it('changes nothing if it was overtaken: a late duplicate does not reset a status', async () => {
      const { store, clock } = await fixture.start();
      const { leaseId } = await join(store, { status: 'starting' }, 1n);
      await store.update({ leaseId, instanceId: 'sales-1' }, { status: 'serving' }, 2n);
      await clock.advance(TTL_MS - 1);
      const late = await join(store, { status: 'starting' }, 1n);
      expect(late).toMatchObject({ leaseId, position: { revision: 2n } });
      const { instances } = await store.listInstances({ service: undefined, afterId: '', pageSize: 1 });
      expect(instances).toMatchObject([{ status: 'serving' }]);
      await clock.advance(1);
      expect(await ids(store)).toEqual([]);
    });

    it('numbers its calls from the start under a new lease', async () => {
      const { store } = await fixture.start();
      await join(store, {}, 9n);
      const lease = await join(store, { incarnation: 2n }, 1n);
      const updated = await store.update(lease, { status: 'draining' }, 2n);
      expect(updated.instance.status).toBe('draining');
    });

    it('with a shorter TTL runs out sooner', async () => {
      const { store, clock } = await fixture.start();
      await store.register(registration(), 600_000, ownSecret());
      await store.register(registration(), 3000, ownSecret());
      await clock.advance(3000);
      expect(await ids(store)).toEqual([]);
    });
  });

  describe('of two processes with one instance id', () => {
    it('the later incarnation wins, and the earlier one gets InstanceTakenOver', async () => {
      const { store, clock } = await fixture.start();
      const { leaseId } = await join(store, { incarnation: 5n });
      const earlier = { leaseId, instanceId: 'sales-1' };
      await clock.advance(TTL_MS / 2);
      const later = await join(store, { incarnation: 6n, version: 'later' });
      expect(later.leaseId).not.toBe(leaseId);
      for (const refused of [
        store.renew(earlier),
        store.update(earlier, { status: 'draining' }),
        store.register(registration({ incarnation: 5n }), TTL_MS, ownSecret()),
      ]) {
        await expect(refused).rejects.toMatchObject({ name: InstanceTakenOver.name, incarnation: 6n });
      }
      await store.deregister(earlier);
      await clock.advance(TTL_MS - 1);
      const { instances } = await store.listInstances({ service: undefined, afterId: '', pageSize: 1 });
      expect(instances).toMatchObject([{ incarnation: 6n, version: 'later', status: 'serving', revision: 2n }]);
      expect(instances[0]?.registerTimeMs).toBe(clock.now() - TTL_MS + 1);
    });

    it('a lease of the same incarnation that ran out is not found: its holder registers again', async () => {
      const { store, clock } = await fixture.start();
      const lease = await join(store, { incarnation: 5n });
      await clock.advance(TTL_MS);
      await join(store, { incarnation: 5n });
      await expect(store.renew(lease)).rejects.toBeInstanceOf(LeaseNotFound);
    });
  });

  describe('an update', () => {
    it('changes the named fields and nothing else', async () => {
      const { store } = await fixture.start();
      const lease = await join(store, { metadata: { a: '1' } });
      const { instance, position } = await store.update(lease, { status: 'draining', weight: 5 });
      expect(instance).toMatchObject({ status: 'draining', weight: 5, metadata: { a: '1' }, revision: 2n });
      expect(position).toMatchObject({ revision: 2n });
      expect(await store.update(lease, { weight: 5 })).toMatchObject({ position: { revision: 2n } });
    });

    it('that was overtaken changes nothing, but one that is repeated or has no sequence does', async () => {
      const { store } = await fixture.start();
      const lease = await join(store, {}, 1n);
      const update = async (weight: number, sequence?: bigint) =>
        (await store.update(lease, { weight }, sequence)).instance.weight;
      expect(await update(3, 3n)).toBe(3);
      expect(await update(2, 2n)).toBe(3);
      expect(await update(4, 3n)).toBe(4);
      expect(await update(5)).toBe(5);
      expect(await update(2, 2n)).toBe(5);
    });

    it('is no renewal', async () => {
      const { store, clock } = await fixture.start();
      const lease = await join(store);
      await clock.advance(TTL_MS - 1);
      await store.update(lease, { weight: 5 });
      await clock.advance(1);
      expect(await ids(store)).toEqual([]);
    });
  });
}
