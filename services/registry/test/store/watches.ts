import { afterEach, describe, expect, it } from '@jest/globals';
import { seededRandom } from '@rondo/rpc/testing';
import { StoreClosed } from '../../src/domain/errors.js';
import type { RegistryStore } from '../../src/domain/store.js';
import { createFixture, join, type MakeStore, ownSecret, registration, TTL_MS, WatchClient } from './fixture.js';

const ORDERS = 'sales.v1.OrderService';
const QUOTES = 'sales.v1.QuoteService';

export function describeWatches(makeStore: MakeStore): void {
  const fixture = createFixture(makeStore);
  afterEach(() => fixture.end());

  describe('a watch', () => {
    it('continues with deltas, each at a greater revision', async () => {
      const { store } = await fixture.start();
      const follower = new WatchClient(store, ORDERS);
      await follower.next();
      const lease = await register(store, 'a', [ORDERS]);
      expect(await follower.next()).toMatchObject({
        kind: 'delta',
        upserts: [{ instanceId: 'a', status: 'serving', revision: 1n }],
        removals: [],
        position: { revision: 1n },
      });
      await store.update(lease, { status: 'draining' });
      expect(await follower.next()).toMatchObject({
        upserts: [{ instanceId: 'a', status: 'draining', revision: 2n }],
        position: { revision: 2n },
      });
      await store.deregister(lease);
      expect(await follower.next()).toMatchObject({
        upserts: [],
        removals: [{ instanceId: 'a', reason: 'deregistered' }],
        position: { revision: 3n },
      });
    });

    it('is woken by a change while it is pending', async () => {
      const { store, clock } = await fixture.start();
      const follower = new WatchClient(store, ORDERS);
      await follower.next();
      expect(await follower.poll(clock)).toBeUndefined();
      await register(store, 'b', [QUOTES]);
      expect(await follower.poll(clock)).toBeUndefined();
      await register(store, 'a', [ORDERS]);
      expect(await follower.poll(clock)).toMatchObject({ upserts: [{ instanceId: 'a' }], position: { revision: 2n } });
    });

    it('states why an instance left', async () => {
      const { store, clock } = await fixture.start();
      const both = [ORDERS, QUOTES];
      const lease = await register(store, 'left', both);
      await register(store, 'replaced', both);
      await register(store, 'expired', both);
      const followers = [new WatchClient(store, ORDERS), new WatchClient(store, QUOTES), new WatchClient(store)];
      for (const follower of followers) await follower.next();
      await store.deregister(lease);
      await clock.advance(1);
      await register(store, 'replaced', [QUOTES]);
      await clock.advance(TTL_MS - 1);
      const gone = ['left', 'expired'].map((instanceId, index) => ({
        instanceId,
        reason: index === 0 ? 'deregistered' : 'expired',
      }));
      const [ordersDelta, quotesDelta, allDelta] = await Promise.all(followers.map((follower) => follower.next()));
      expect(ordersDelta).toMatchObject({ upserts: [] });
      expect(ordersDelta).toMatchObject({
        removals: [gone[0], { instanceId: 'replaced', reason: 'replaced' }, gone[1]],
      });
      for (const delta of [quotesDelta, allDelta]) {
        expect(delta).toMatchObject({ upserts: [{ instanceId: 'replaced', services: [QUOTES] }], removals: gone });
      }
    });

    it('sends a watcher that does not read only the latest states, each instance once', async () => {
      const { store } = await fixture.start();
      const follower = new WatchClient(store, ORDERS);
      await follower.next();
      const lease = await register(store, 'a', [ORDERS]);
      for (let weight = 1; weight <= 1000; weight += 1) await store.update(lease, { weight });
      await store.deregister(await register(store, 'b', [ORDERS]));
      expect(await follower.next()).toMatchObject({
        upserts: [{ instanceId: 'a', weight: 1000 }],
        removals: [{ instanceId: 'b', reason: 'deregistered' }],
        position: { revision: 1003n },
      });
    });

    it('sends progress at least every 5 s, with the current position', async () => {
      const { store, clock } = await fixture.start();
      const follower = new WatchClient(store, ORDERS);
      await follower.next();
      for (let marks = 1n; marks <= 10n; marks += 1n) {
        expect(await follower.poll(clock)).toBeUndefined();
        await store.deregister(await register(store, 'b', [QUOTES]));
        await clock.advance(5000);
        expect(await follower.poll(clock)).toMatchObject({ kind: 'progress', position: { revision: marks * 2n } });
      }
    });

    it('ends when its signal aborts, pending or not', async () => {
      const { store, clock } = await fixture.start();
      const waiting = new WatchClient(store, ORDERS);
      await waiting.next();
      expect(await waiting.poll(clock)).toBeUndefined();
      const idle = new WatchClient(store, ORDERS);
      await idle.next();
      const unopened = new WatchClient(store, ORDERS);
      for (const follower of [waiting, idle, unopened]) {
        follower.stop();
        expect(await follower.next()).toBeUndefined();
      }
      expect(clock.timers).toBe(0);
    });

    it('fails when the store closes', async () => {
      const { store, clock } = await fixture.start();
      const follower = new WatchClient(store, ORDERS);
      await follower.next();
      expect(await follower.poll(clock)).toBeUndefined();
      await store.close();
      await expect(follower.next()).rejects.toBeInstanceOf(StoreClosed);
      await expect(new WatchClient(store).next()).rejects.toBeInstanceOf(StoreClosed);
    });
  });

  describe('a watch that resumes', () => {
    it('gets a progress event at once if it missed nothing', async () => {
      const { store, clock } = await fixture.start();
      const { position } = await join(store);
      await register(store, 'b', [QUOTES]);
      const follower = new WatchClient(store, ORDERS, position);
      expect(await follower.next()).toMatchObject({ kind: 'progress', position: { revision: 2n } });
      expect(await follower.poll(clock)).toBeUndefined();
    });

    it('gets a snapshot if a missed removal is forgotten, and a delta otherwise', async () => {
      const { store } = await fixture.start({ removalsKept: 4 });
      const { position: stale } = await join(store);
      // A removal counts twice: for its service, and for the view of all.
      for (const instanceId of ['a', 'b', 'c']) await store.deregister(await register(store, instanceId, [ORDERS]));
      expect(await new WatchClient(store, ORDERS, stale).next()).toMatchObject({
        kind: 'snapshot',
        instances: [{ instanceId: 'sales-1' }],
        position: { revision: 7n },
      });
      const kept = { ...stale, revision: 3n };
      expect(await new WatchClient(store, ORDERS, kept).next()).toMatchObject({ kind: 'delta' });
    });

    it('gets a snapshot from another epoch or from the future', async () => {
      const { store } = await fixture.start();
      const { position } = await join(store);
      for (const other of [
        { ...position, epoch: position.epoch - 1n },
        { ...position, epoch: position.epoch + 1n },
        { ...position, revision: position.revision + 1n },
        { ...position, revision: -1n },
      ]) {
        const event = await new WatchClient(store, ORDERS, other).next();
        expect(event).toMatchObject({ kind: 'snapshot', instances: [{ instanceId: 'sales-1' }], position });
      }
    });

    it('finds a greater epoch in a later store, and a different one even if the clock stands still', async () => {
      const { store, clock } = await fixture.start();
      const earlier = (await store.listServices()).position.epoch;
      const { store: twin } = await fixture.start({ clock, random: seededRandom(2) });
      expect((await twin.listServices()).position.epoch).not.toBe(earlier);
      await clock.advance(1);
      const { store: restarted } = await fixture.start({ clock });
      expect((await restarted.listServices()).position.epoch).toBeGreaterThan(earlier);
    });
  });

  describe('while the store is warming', () => {
    it('it reports this, and sends every watcher a snapshot at the end', async () => {
      const { store, clock } = await fixture.start({ warmingMs: TTL_MS });
      const follower = new WatchClient(store, ORDERS);
      expect(await follower.next()).toMatchObject({ kind: 'snapshot', instances: [], warming: true });
      await clock.advance(TTL_MS - 1);
      await register(store, 'a', [ORDERS]);
      expect(await follower.next()).toMatchObject({ kind: 'delta', warming: true });
      expect(await store.listServices()).toMatchObject({ warming: true });
      expect(await follower.poll(clock)).toBeUndefined();
      await clock.advance(1);
      expect(await follower.poll(clock)).toMatchObject({
        kind: 'snapshot',
        instances: [{ instanceId: 'a' }],
        warming: false,
      });
      expect(await store.listInstances({ service: undefined, afterId: '', pageSize: 1 })).toMatchObject({
        warming: false,
      });
    });

    it("a watcher can't resume afterwards from a position of this time", async () => {
      const { store, clock } = await fixture.start({ warmingMs: TTL_MS });
      await register(store, 'a', [ORDERS]);
      const before = new WatchClient(store, ORDERS);
      await before.next();
      before.stop();
      const during = new WatchClient(store, ORDERS, before.position);
      expect(await during.next()).toMatchObject({ kind: 'progress', warming: true });
      await clock.advance(TTL_MS - 1);
      await register(store, 'a', [ORDERS]);
      await clock.advance(1);
      const after = new WatchClient(store, ORDERS, before.position);
      expect(await after.next()).toMatchObject({ kind: 'snapshot', warming: false });
    });

    it('a position of this time stays useless for resuming, whatever is forgotten later', async () => {
      const { store, clock } = await fixture.start({ warmingMs: TTL_MS, removalsKept: 2 });
      await store.deregister(await register(store, 'a', [ORDERS]));
      const { position } = await store.register(registration(), 600_000, ownSecret());
      await clock.advance(TTL_MS - 1);
      const lease = await register(store, 'b', [ORDERS]);
      await clock.advance(1);
      await store.deregister(lease);
      expect(await new WatchClient(store, ORDERS, position).next()).toMatchObject({ kind: 'snapshot' });
    });
  });
}

const register = (store: RegistryStore, instanceId: string, services: readonly string[]) =>
  join(store, { instanceId, services });
