import { afterEach, describe, expect, it } from '@jest/globals';
import { InstanceNotFound, LimitReached } from '../../src/domain/errors.js';
import type { OperatorState } from '../../src/domain/instance.js';
import { DEFAULT_TOTAL_LIMITS } from '../../src/domain/limits.js';
import type { RegistryStore } from '../../src/domain/store.js';
import { createFixture, join, listed, type MakeStore, recordingLog, TTL_MS, WatchClient } from './fixture.js';

const ID = 'sales-1';

/** Operator states, which are independent of leases. */
export function describeOperators(makeStore: MakeStore): void {
  const fixture = createFixture(makeStore);
  afterEach(() => fixture.end());

  async function start() {
    const { log, lines } = recordingLog();
    const { store, clock } = await fixture.start({ log });
    const lease = await join(store);
    return { store, clock, lines, lease: lease };
  }

  const set = (store: RegistryStore, state: OperatorState, reason = '') =>
    store.setOperatorState(ID, { state, reason });

  const stateOf = async (store: RegistryStore) => (await listed(store))[0]?.operatorState;

  describe('an operator', () => {
    it('cordons and uncordons an instance: watchers get both, whatever status it reports', async () => {
      const { store, lines } = await start();
      const follower = new WatchClient(store, 'sales.v1.OrderService');
      await follower.next();
      expect(await set(store, 'cordoned', 'a bad disk')).toMatchObject({ revision: 2n });
      expect(await follower.next()).toMatchObject({
        upserts: [{ status: 'serving', operatorState: 'cordoned', revision: 2n }],
      });
      expect(await store.listServices()).toMatchObject({ services: [{ instances: 1, serving: 0 }] });
      expect(await set(store, 'none')).toMatchObject({ revision: 3n });
      expect(await follower.next()).toMatchObject({ upserts: [{ operatorState: 'none' }] });
      expect(await store.listServices()).toMatchObject({ services: [{ instances: 1, serving: 1 }] });
      expect(lines.filter((line) => line.includes('operator'))).toEqual([
        'info: operator state set',
        'info: operator state set',
      ]);
    });

    it('changes nothing by setting the same state again, and another reason makes no revision', async () => {
      const { store, clock } = await start();
      const setTimeMs = clock.now();
      await set(store, 'cordoned', 'a bad disk');
      await clock.advance(5);
      expect(await set(store, 'cordoned', 'a bad disk')).toMatchObject({ revision: 2n });
      expect((await store.listOperatorStates()).marks).toEqual([
        { instanceId: ID, state: 'cordoned', reason: 'a bad disk', setTimeMs },
      ]);
      expect(await set(store, 'cordoned', 'another')).toMatchObject({ revision: 2n });
      expect((await store.listOperatorStates()).marks).toMatchObject([{ reason: 'another', setTimeMs: setTimeMs + 5 }]);
    });

    it('may reset a state that was never set, if the instance is registered', async () => {
      const { store } = await start();
      expect(await set(store, 'none')).toMatchObject({ revision: 1n });
      expect((await store.listOperatorStates()).marks).toEqual([]);
    });

    it.each(['cordoned', 'none'] as const)(
      'gets InstanceNotFound if there is no instance to set to %s',
      async (state) => {
        const { store } = await fixture.start();
        await expect(set(store, state)).rejects.toMatchObject({ name: InstanceNotFound.name, instanceId: ID });
      },
    );

    it('lists operator states by instance id, with the position', async () => {
      const { store } = await start();
      await join(store, { instanceId: 'a' });
      await set(store, 'cordoned');
      await store.setOperatorState('a', { state: 'cordoned', reason: '' });
      expect(await store.listOperatorStates()).toMatchObject({
        marks: [{ instanceId: 'a' }, { instanceId: ID }],
        position: { revision: 4n },
      });
    });
  });

  describe('an operator state', () => {
    it('outlives a deregistration', async () => {
      const { store, lease } = await start();
      await set(store, 'cordoned');
      await store.deregister(lease);
      expect((await store.listOperatorStates()).marks).toHaveLength(1);
      await join(store);
      expect(await stateOf(store)).toBe('cordoned');
    });

    it('outlives an expiry, without a time limit', async () => {
      const { store, clock } = await start();
      await set(store, 'cordoned');
      await clock.advance(100 * TTL_MS);
      expect(await listed(store)).toEqual([]);
      await join(store, { incarnation: 2n });
      expect(await stateOf(store)).toBe('cordoned');
      expect(await store.listServices()).toMatchObject({ services: [{ serving: 0 }] });
    });

    it('outlives a takeover, another registration and an update', async () => {
      const { store } = await start();
      await set(store, 'cordoned');
      const lease = await join(store, { incarnation: 2n });
      expect(await stateOf(store)).toBe('cordoned');
      await join(store, { incarnation: 2n, version: '2' });
      await store.update(lease, { status: 'starting' });
      const { instance } = await store.update(lease, { status: 'serving' });
      expect(instance.operatorState).toBe('cordoned');
    });

    it('can be reset while the instance is away', async () => {
      const { store, lease } = await start();
      await set(store, 'cordoned');
      const { revision } = await store.deregister(lease);
      expect(await set(store, 'none')).toMatchObject({ revision });
      await join(store);
      expect(await stateOf(store)).toBe('none');
    });

    it('is limited in number, even if the instances are gone', async () => {
      const { store } = await fixture.start({ limits: { ...DEFAULT_TOTAL_LIMITS, cordoned: 1 } });
      const cordon = (instanceId: string, reason = '') =>
        store.setOperatorState(instanceId, { state: 'cordoned', reason });
      const lease = await join(store, { instanceId: 'a' });
      await join(store, { instanceId: 'b' });
      await cordon('a');
      await store.deregister(lease);
      await expect(cordon('b')).rejects.toMatchObject({ name: LimitReached.name, subject: 'cordoned', limit: 1 });
      await cordon('a', 'another reason');
      await store.setOperatorState('a', { state: 'none', reason: '' });
      await cordon('b');
    });
  });
}
