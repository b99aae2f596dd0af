import { afterEach, describe, expect, it } from '@jest/globals';
import type { Lease } from '../../src/domain/lease.js';
import type { RegistryStore } from '../../src/domain/store.js';
import { createFixture, join, listed, type MakeStore, recordingLog, TTL_MS, WatchClient } from './fixture.js';

/** How a store handles the lapse of many leases at once. */
export function describeGuard(makeStore: MakeStore): void {
  const fixture = createFixture(makeStore);
  afterEach(() => fixture.end());

  /** A store with `count` instances that registered at one time. */
  async function start(count: number) {
    const { log, lines } = recordingLog();
    const { store, clock } = await fixture.start({ log });
    const leases = await registered(store, count);
    return { store, clock, leases, lines };
  }

  describe('of leases that run out at once', () => {
    it('more than three, and more than 15 %, are held back for three TTLs, without an event for watchers', async () => {
      const { store, clock } = await start(4);
      const lapseTimeMs = clock.now() + TTL_MS;
      const follower = new WatchClient(store);
      await follower.next();
      await clock.advance(3 * TTL_MS);
      expect((await listed(store)).map((instance) => instance.lapseTimeMs)).toEqual(Array(4).fill(lapseTimeMs));
      expect(await store.listServices()).toMatchObject({ services: [{ instances: 4, serving: 4 }] });
      expect(store.counts).toMatchObject({ instances: 4, heldExpiries: 4 });
      expect(await follower.poll(clock)).toBeUndefined();
      await clock.advance(TTL_MS - 1);
      expect(await follower.next()).toMatchObject({ kind: 'progress', position: { revision: 4n } });
      expect(await listed(store)).toHaveLength(4);
      await clock.advance(1);
      expect(await listed(store)).toEqual([]);
      expect(await follower.next()).toMatchObject({ removals: Array(4).fill({ reason: 'expired' }) });
      expect(store.counts).toMatchObject({ instances: 0, heldExpiries: 0 });
      follower.stop();
      expect(clock.timers).toBe(0);
    });

    it('one more than 15 % are held back: none expires first, and the others are not affected', async () => {
      const { store, clock, leases } = await start(40);
      await renewEvery(store, clock, { leases: leases.slice(7), forMs: TTL_MS });
      const lapsed = (await listed(store)).filter(({ lapseTimeMs }) => lapseTimeMs !== undefined);
      expect(await listed(store)).toHaveLength(40);
      expect(lapsed.map(({ instanceId }) => instanceId)).toEqual(leases.slice(0, 7).map((lease) => lease.instanceId));
      await renewEvery(store, clock, { leases: leases.slice(7), forMs: 3 * TTL_MS });
      expect(await listed(store)).toHaveLength(33);
    });

    it('one log line reports the begin and one the end', async () => {
      const { store, clock, leases, lines } = await start(6);
      await clock.advance(2 * TTL_MS);
      const [lease] = leases;
      if (lease !== undefined) await store.renew(lease);
      const logged = () => lines.filter((line) => line.includes('held back'));
      expect(logged()).toEqual([expect.stringMatching(/^error: 6 of 6 leases ran out inside one TTL/)]);
      await clock.advance(2 * TTL_MS);
      expect(logged().slice(1)).toEqual([expect.stringMatching(/^info: .*of 6 instances 1 are back, 5 expired/)]);
    });
  });

  describe('a lease that is held back', () => {
    /** Four leases that have lapsed; `lease` is the first. */
    async function held() {
      const { store, clock, leases } = await start(4);
      await clock.advance(TTL_MS + 1);
      const [lease] = leases;
      if (lease === undefined) throw new Error('no lease');
      const { instanceId } = lease;
      const lapseTime = async () => (await listed(store)).find((one) => one.instanceId === instanceId)?.lapseTimeMs;
      expect(await lapseTime()).toBeDefined();
      return { store, clock, lease, instanceId, lapseTime };
    }

    it('is live for a whole TTL again once it is renewed', async () => {
      const { store, clock, lease, lapseTime } = await held();
      expect(await store.renew(lease)).toMatchObject({ ttlMs: TTL_MS, position: { revision: 4n } });
      expect(await lapseTime()).toBeUndefined();
      await clock.advance(TTL_MS - 1);
      await store.renew(lease);
      await clock.advance(TTL_MS - 1);
      expect(await store.renew(lease)).toMatchObject({ ttlMs: TTL_MS });
      expect(store.counts.heldExpiries).toBe(3);
    });

    it('is kept by the incarnation that registers again', async () => {
      const { store, lease, instanceId, lapseTime } = await held();
      const again = await join(store, { instanceId });
      expect(again).toMatchObject({ leaseId: lease.leaseId, position: { revision: 4n } });
      expect(await lapseTime()).toBeUndefined();
    });

    it('is taken over by a later incarnation like any other lease, with a TTL of its own', async () => {
      const { store, clock, lease, instanceId, lapseTime } = await held();
      await join(store, { instanceId, incarnation: 2n });
      expect(await lapseTime()).toBeUndefined();
      await expect(store.renew(lease)).rejects.toMatchObject({ name: 'InstanceTakenOver' });
      await clock.advance(TTL_MS - 1);
      expect(store.counts).toMatchObject({ instances: 4, heldExpiries: 3 });
      await clock.advance(1);
      expect(store.counts).toMatchObject({ instances: 3, heldExpiries: 3 });
    });

    it('allows an update, which is no renewal', async () => {
      const { store, lease, lapseTime } = await held();
      expect((await store.update(lease, { weight: 7 })).instance).toMatchObject({ weight: 7, revision: 5n });
      expect(await lapseTime()).toBeDefined();
    });

    it('ends at once with a deregistration', async () => {
      const { store, clock, lease } = await held();
      expect(await store.deregister(lease)).toMatchObject({ revision: 5n });
      expect(store.counts).toMatchObject({ instances: 3, heldExpiries: 3 });
      await clock.advance(3 * TTL_MS);
      expect(store.counts).toMatchObject({ instances: 0, heldExpiries: 0, revisions: 8 });
    });

    it('does not keep another single lease from expiring', async () => {
      const { store, clock, leases } = await start(40);
      await renewEvery(store, clock, { leases: leases.slice(7), forMs: TTL_MS });
      await renewEvery(store, clock, { leases: leases.slice(8), forMs: 2 * TTL_MS });
      expect(await listed(store)).toHaveLength(39);
    });
  });
}

async function registered(store: RegistryStore, count: number): Promise<readonly Lease[]> {
  const leases: Lease[] = [];
  for (let index = 0; index < count; index += 1) {
    const instanceId = `i-${String(index).padStart(3, '0')}`;
    leases.push(await join(store, { instanceId }));
  }
  return leases;
}

/** Lets time pass while `leases` are renewed as their holders would. */
async function renewEvery(
  store: RegistryStore,
  clock: { advance(ms: number): Promise<void> },
  { leases, forMs }: { leases: readonly Lease[]; forMs: number },
): Promise<void> {
  const steps = (4 * forMs) / TTL_MS;
  for (let step = 0; step < steps; step += 1) {
    await clock.advance(TTL_MS / 4);
    for (const lease of leases) await store.renew(lease);
  }
}
