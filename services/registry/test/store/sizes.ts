import { afterEach, describe, expect, it } from '@jest/globals';
import { LimitReached } from '../../src/domain/errors.js';
import { textSize } from '../../src/domain/instance.js';
import { DEFAULT_TOTAL_LIMITS } from '../../src/domain/limits.js';
import type { RegistryStore } from '../../src/domain/store.js';
import { createFixture, join, type MakeStore, ownSecret, registration, TTL_MS, WatchClient } from './fixture.js';
import type { StoreSizes } from './model.js';

const IN_A_PART = 4;
const IN_A_PAGE = 65;

/** An instance of nearly the maximum size: {@link IN_A_PART} of them fill a message of a watch. */
function large(index: number) {
  const metadata = Object.fromEntries(Array.from({ length: 60 }, (_, key) => [`k${key}`, 'x'.repeat(256)]));
  return registration({ instanceId: `i-${String(index).padStart(4, '0')}`, metadata });
}

async function fill(store: RegistryStore, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await store.register(large(index), TTL_MS, ownSecret());
}

export function describeSizes(makeStore: MakeStore, { large: count = 200 }: StoreSizes = {}): void {
  const fixture = createFixture(makeStore);
  afterEach(() => fixture.end());

  describe('what is too large for a message', () => {
    it('comes as a snapshot in parts, complete with the last', async () => {
      const { store } = await fixture.start();
      await fill(store, count);
      const follower = new WatchClient(store);
      const parts = [];
      for (let event = await follower.next(); event?.kind === 'snapshot-part'; event = await follower.next()) {
        expect(event.instances.reduce((size, instance) => size + textSize(instance), 0)).toBeLessThanOrEqual(2 ** 16);
        parts.push(event);
        expect(follower.held.size).toBe(0);
      }
      expect(parts.length).toBe(count / IN_A_PART - 1);
      expect(follower.held.size).toBe(count);
      expect(follower.position).toMatchObject({ revision: BigInt(count) });
    });

    it('comes in pages that fit into a message', async () => {
      const { store } = await fixture.start();
      await fill(store, count);
      const seen: string[] = [];
      let pages = 0;
      for (let more = true; more; pages += 1) {
        const page = await store.listInstances({ service: undefined, afterId: seen.at(-1) ?? '', pageSize: 1000 });
        seen.push(...page.instances.map(({ instanceId }) => instanceId));
        more = page.more;
      }
      expect(pages).toBe(Math.ceil(count / IN_A_PAGE));
      expect(seen).toEqual(Array.from({ length: count }, (_, index) => large(index).instanceId));
    });
  });

  describe('a list', () => {
    it('of instances is sorted by id and paged', async () => {
      const { store } = await fixture.start();
      for (const instanceId of ['c', 'a', 'e', 'b', 'd']) await join(store, { instanceId });
      const page = async (afterId: string) => {
        const { instances, more } = await store.listInstances({
          service: registration().services[0],
          afterId,
          pageSize: 2,
        });
        return [instances.map(({ instanceId }) => instanceId).join(''), more];
      };
      expect([await page(''), await page('b'), await page('d'), await page('e')]).toEqual([
        ['ab', true],
        ['cd', true],
        ['e', false],
        ['', false],
      ]);
      expect(await store.listInstances({ service: 'unknown', afterId: '', pageSize: 2 })).toMatchObject({
        instances: [],
      });
    });

    it('of services counts the serving instances', async () => {
      const { store } = await fixture.start();
      await join(store, { instanceId: 'a', services: ['y.B', 'x.A'] });
      const { leaseId } = await join(store, { instanceId: 'b', services: ['y.B'] });
      await store.update({ leaseId, instanceId: 'b' }, { status: 'draining' });
      const { leaseId: gone } = await join(store, { instanceId: 'c', services: ['z.C'] });
      await store.deregister({ leaseId: gone, instanceId: 'c' });
      expect((await store.listServices()).services).toEqual([
        { service: 'x.A', instances: 1, serving: 1 },
        { service: 'y.B', instances: 2, serving: 1 },
      ]);
    });
  });

  describe('above its limits', () => {
    it('no more instances are accepted, but the registered ones continue', async () => {
      const { store } = await fixture.start({ limits: { ...DEFAULT_TOTAL_LIMITS, instances: 2 } });
      const lease = await join(store, { instanceId: 'a' });
      await join(store, { instanceId: 'b' });
      const refused = store.register(registration({ instanceId: 'c' }), TTL_MS, ownSecret());
      await expect(refused).rejects.toMatchObject({ name: LimitReached.name, subject: 'instances', limit: 2 });
      await join(store, { instanceId: 'b', incarnation: 2n, version: '2' });
      await store.deregister(lease);
      await join(store, { instanceId: 'c' });
    });

    it('no more services are accepted', async () => {
      const { store } = await fixture.start({ limits: { ...DEFAULT_TOTAL_LIMITS, services: 2 } });
      await join(store, { instanceId: 'a', services: ['x.A', 'x.B'] });
      await join(store, { instanceId: 'b', services: ['x.A', 'x.B'] });
      const refused = store.register(registration({ instanceId: 'c', services: ['x.A', 'x.C'] }), TTL_MS, ownSecret());
      await expect(refused).rejects.toMatchObject({ subject: 'services', limit: 2 });
      await join(store, { instanceId: 'a', services: ['x.A'] });
      await join(store, { instanceId: 'b', services: ['x.A'] });
      await join(store, { instanceId: 'c', services: ['x.A', 'x.C'] });
    });

    it('no more watches are opened until one ends', async () => {
      const { store } = await fixture.start({ limits: { ...DEFAULT_TOTAL_LIMITS, watches: 1 } });
      const unread = new WatchClient(store);
      const follower = new WatchClient(store);
      await follower.next();
      await expect(unread.next()).rejects.toMatchObject({ subject: 'watches', limit: 1 });
      follower.stop();
      expect(await new WatchClient(store).next()).toMatchObject({ kind: 'snapshot' });
    });
  });
}
