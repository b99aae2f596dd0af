import { afterEach, describe, expect, it } from '@jest/globals';
import { MAX_AHEAD_MS } from '../../src/domain/admission.js';
import { IdentityMismatch, IncarnationAhead, InstanceTakenOver, SecretMismatch } from '../../src/domain/errors.js';
import type { Registration } from '../../src/domain/instance.js';
import type { RegistryStore } from '../../src/domain/store.js';
import {
  createFixture,
  listed,
  type MakeStore,
  ownSecret,
  registration,
  secretOf,
  TTL_MS,
  WatchClient,
} from './fixture.js';

const ID = 'sales-1';
const OWN = ownSecret();

/** Which process may hold an instance id if several want it. See docs/adr/0016-leases-and-stores.md. */
export function describeDuplicates(makeStore: MakeStore): void {
  const fixture = createFixture(makeStore);
  afterEach(() => fixture.end());

  /** A store with one instance that has sent a secret. */
  async function held(part: Partial<Registration> = {}) {
    const { store, clock } = await fixture.start();
    const { leaseId } = await store.register(registration({ incarnation: 5n, ...part }), TTL_MS, OWN);
    return { store, clock, lease: { leaseId, instanceId: ID } };
  }

  /** The refused registration that a list shows. */
  const refused = async (store: RegistryStore) => (await listed(store))[0]?.lastRefused;

  const elsewhere = (part: Partial<Registration> = {}) =>
    registration({ incarnation: 5n, endpoints: [{ address: '10.6.6.6:666', protocols: [1], security: 1 }], ...part });

  describe('the incarnation that is registered', () => {
    it.each([
      ['without a secret', {}],
      ['with another secret', { secretHash: secretOf('another') }],
      ['without a secret and with the greatest sequence', { sequence: 2n ** 63n - 1n }],
      ['with part of its secret', { secretHash: secretOf('sales-1').slice(0, -1) }],
      ['with more than its secret', { secretHash: `${secretOf('sales-1')}=` }],
    ])('is neither handed over nor changed nor renewed by a registration %s', async (_how, options) => {
      const { store, clock, lease } = await held();
      await clock.advance(TTL_MS - 1);
      const attempt = store.register(elsewhere({ status: 'draining', services: ['a.B'] }), 3000, options);
      await expect(attempt).rejects.toMatchObject({ name: SecretMismatch.name, instanceId: ID, incarnation: 5n });
      expect(await listed(store)).toMatchObject([{ ...registration({ incarnation: 5n }), revision: 1n }]);
      expect(await store.renew(lease)).toMatchObject({ ttlMs: TTL_MS, position: { revision: 1n } });
      await clock.advance(TTL_MS);
      expect(await listed(store)).toEqual([]);
    });

    it('can be registered again with its secret, whatever was tried meanwhile', async () => {
      const { store, lease } = await held();
      await expect(store.register(elsewhere(), TTL_MS)).rejects.toBeInstanceOf(SecretMismatch);
      const again = await store.register(registration({ incarnation: 5n, version: '2' }), TTL_MS, OWN);
      expect(again).toMatchObject({ leaseId: lease.leaseId, position: { revision: 2n } });
    });

    it("that has no secret can't be repeated until its lease has ended, and keeps that lease", async () => {
      const { store, clock } = await fixture.start();
      const { leaseId } = await store.register(registration(), TTL_MS);
      for (const options of [{}, OWN]) {
        await expect(store.register(registration(), TTL_MS, options)).rejects.toBeInstanceOf(SecretMismatch);
      }
      await clock.advance(TTL_MS - 1);
      await store.renew({ leaseId, instanceId: ID });
      await store.deregister({ leaseId, instanceId: ID });
      await store.register(registration(), TTL_MS);
      expect(await listed(store)).toHaveLength(1);
    });

    it('may be registered by another process once its lease has run out', async () => {
      const { store, clock } = await held();
      await clock.advance(TTL_MS);
      await store.register(elsewhere(), TTL_MS, { secretHash: secretOf('another') });
      expect(await listed(store)).toMatchObject([{ endpoints: elsewhere().endpoints }]);
      await expect(store.register(registration({ incarnation: 5n }), TTL_MS, OWN)).rejects.toBeInstanceOf(
        SecretMismatch,
      );
    });

    it('that deregistered keeps no other process out', async () => {
      const { store, lease } = await held();
      await store.deregister(lease, 9n);
      const { leaseId } = await store.register(elsewhere(), TTL_MS, { sequence: 1n, secretHash: secretOf('another') });
      expect(leaseId).not.toBe(lease.leaseId);
      expect(await listed(store)).toHaveLength(1);
    });
  });

  describe('the identity of a holder', () => {
    const [SALES, PROJECTS] = ['spiffe://rondo.test/sales', 'spiffe://rondo.test/projects'];
    const register = (store: RegistryStore, incarnation: bigint, identity: string | undefined) =>
      store.register(registration({ incarnation }), TTL_MS, { ...OWN, identity });

    it.each([
      ['another', PROJECTS],
      ['none', undefined],
      ['one that only begins alike', `${SALES}-2`],
    ])('keeps a process out that has %s, whatever its incarnation and its secret', async (_which, identity) => {
      const { store } = await fixture.start();
      const { leaseId } = await register(store, 5n, SALES);
      for (const incarnation of [4n, 5n, 6n]) {
        await expect(register(store, incarnation, identity)).rejects.toMatchObject({
          name: IdentityMismatch.name,
          holder: SALES,
          caller: identity,
        });
      }
      expect(await listed(store)).toMatchObject([{ incarnation: 5n, revision: 1n, lastRefused: expect.anything() }]);
      await store.renew({ leaseId, instanceId: ID });
      await register(store, 6n, SALES);
      expect(await listed(store)).toMatchObject([{ incarnation: 6n }]);
      await expect(register(store, 7n, identity)).rejects.toBeInstanceOf(IdentityMismatch);
    });

    it('is kept once the process shows one, and keeps others out from then on', async () => {
      const { store } = await fixture.start();
      const first = await register(store, 5n, undefined);
      expect(await register(store, 5n, SALES)).toMatchObject({ leaseId: first.leaseId });
      await expect(register(store, 6n, PROJECTS)).rejects.toBeInstanceOf(IdentityMismatch);
      await expect(register(store, 6n, undefined)).rejects.toBeInstanceOf(IdentityMismatch);
    });

    it('may be replaced if the holder had none, or has left, or its lease has run out', async () => {
      const { store, clock } = await fixture.start();
      await register(store, 5n, undefined);
      const { leaseId } = await register(store, 6n, SALES);
      await store.deregister({ leaseId, instanceId: ID });
      await register(store, 7n, PROJECTS);
      await clock.advance(TTL_MS);
      await register(store, 8n, SALES);
      expect(await listed(store)).toMatchObject([{ incarnation: 8n }]);
    });

    it('in an id keeps two instances apart, also in the operator state and in what watchers see', async () => {
      const { store } = await fixture.start();
      const other = `${ID}@person/jo`;
      await register(store, 5n, SALES);
      const follower = new WatchClient(store);
      await follower.next();
      const { leaseId } = await store.register(registration({ instanceId: other }), TTL_MS, { identity: PROJECTS });
      expect(await follower.next()).toMatchObject({ upserts: [{ instanceId: other }] });
      await store.setOperatorState(other, { state: 'cordoned', reason: '' });
      expect((await listed(store)).map(({ instanceId, operatorState }) => [instanceId, operatorState])).toEqual([
        [ID, 'none'],
        [other, 'cordoned'],
      ]);
      await store.renew({ leaseId, instanceId: other });
      await store.deregister({ leaseId, instanceId: other });
      expect(await listed(store)).toMatchObject([{ instanceId: ID }]);
      expect((await store.listOperatorStates()).marks).toMatchObject([{ instanceId: other }]);
    });

    it('is shown in no list and no watch', async () => {
      const { store } = await fixture.start();
      await register(store, 5n, SALES);
      const shown = [await listed(store), await new WatchClient(store).next()];
      expect(JSON.stringify(shown, (_, part) => (typeof part === 'bigint' ? String(part) : part))).not.toContain(SALES);
    });
  });

  describe('a lease', () => {
    it("has an id that can't be guessed; no list or watch shows it or the secret", async () => {
      const { store, lease } = await held();
      expect(lease.leaseId).toMatch(/^5-[0-9a-f]{32}$/);
      await expect(store.register(elsewhere(), TTL_MS)).rejects.toBeInstanceOf(SecretMismatch);
      const follower = new WatchClient(store);
      const answers = [
        await follower.next(),
        await listed(store),
        await store.listServices(),
        (await store.update(lease, { weight: 3 })).instance,
        await follower.next(),
      ];
      const text = JSON.stringify(answers, (_, part) => (typeof part === 'bigint' ? String(part) : part));
      expect(text).toContain(ID);
      for (const hidden of [lease.leaseId, lease.leaseId.slice(2), secretOf('sales-1'), 'secret', 'leaseId']) {
        expect(text).not.toContain(hidden);
      }
    });

    it.each(['5-', '5-00000000000000000000000000000000', `5-${'f'.repeat(32)}`, '4-a', '6-a', 'a', '__proto__'])(
      'is not found, ended or changed by the id %p',
      async (leaseId) => {
        const { store, lease } = await held();
        const guess = { leaseId, instanceId: ID };
        await expect(store.renew(guess)).rejects.toThrow();
        await expect(store.update(guess, { status: 'draining' })).rejects.toThrow();
        await store.deregister(guess);
        expect(await listed(store)).toMatchObject([{ status: 'serving', revision: 1n }]);
        await store.renew(lease);
      },
    );
  });

  describe('an incarnation', () => {
    it(`may be ${MAX_AHEAD_MS / 1000} s ahead of the registry's clock, and no more`, async () => {
      const { store, clock } = await fixture.start();
      const most = BigInt(clock.wall.now().getTime() + MAX_AHEAD_MS);
      for (const incarnation of [most + 1n, 2n ** 63n - 1n]) {
        await expect(store.register(registration({ incarnation }), TTL_MS, OWN)).rejects.toMatchObject({
          name: IncarnationAhead.name,
          incarnation,
          wallMs: clock.wall.now().getTime(),
        });
      }
      expect(await listed(store)).toEqual([]);
      await store.register(registration({ incarnation: most }), TTL_MS, OWN);
      expect(await listed(store)).toMatchObject([{ incarnation: most }]);
    });

    it('that is too far ahead does not affect the registered one', async () => {
      const { store, lease } = await held();
      const attempt = store.register(elsewhere({ incarnation: 2n ** 63n - 1n }), 600_000);
      await expect(attempt).rejects.toBeInstanceOf(IncarnationAhead);
      expect(await listed(store)).toMatchObject([{ incarnation: 5n, revision: 1n }]);
      expect(await refused(store)).toBeUndefined();
      await store.renew(lease);
    });

    it("that is registered may be repeated after the registry's clock was set back", async () => {
      const { store, clock } = await fixture.start();
      const now = registration({ incarnation: BigInt(clock.wall.now().getTime()) });
      const { leaseId } = await store.register(now, TTL_MS, OWN);
      clock.wall.set(new Date(clock.wall.now().getTime() - 86_400_000));
      expect(await store.register(now, TTL_MS, OWN)).toMatchObject({ leaseId });
    });

    it("follows the registry's wall clock, which goes on while its machine sleeps", async () => {
      const { store, clock } = await fixture.start();
      clock.wall.set(new Date(clock.wall.now().getTime() + 86_400_000));
      const incarnation = BigInt(clock.wall.now().getTime());
      await store.register(registration({ incarnation }), TTL_MS, OWN);
      expect(await listed(store)).toMatchObject([{ incarnation }]);
    });
  });

  describe('a process whose instance id another has taken', () => {
    const LATER = { secretHash: secretOf('the later') };
    const earlier = (store: RegistryStore) => store.register(registration({ incarnation: 5n }), TTL_MS, OWN);

    async function takenOver() {
      const { store, clock } = await held();
      const { leaseId } = await store.register(elsewhere({ incarnation: 6n }), TTL_MS, LATER);
      return { store, clock, later: { leaseId, instanceId: ID } };
    }

    it('stays out as long as the holder lives, however often it tries: the holder never changes', async () => {
      const { store, clock, later } = await takenOver();
      const follower = new WatchClient(store);
      await follower.next();
      for (let third = 0; third < 30; third += 1) {
        await clock.advance(TTL_MS / 3);
        await expect(earlier(store)).rejects.toMatchObject({ name: InstanceTakenOver.name, incarnation: 6n });
        expect(await store.renew(later)).toMatchObject({ position: { revision: 2n } });
      }
      expect(follower.held.get(ID)).toMatchObject({ incarnation: 6n, revision: 2n });
    });

    it.each([
      [
        'deregistered',
        (store: RegistryStore, later: { leaseId: string; instanceId: string }) => store.deregister(later, 3n),
      ],
      [
        'deregistered without a sequence',
        (store: RegistryStore, later: { leaseId: string; instanceId: string }) => store.deregister(later),
      ],
    ])('is registered at its next try after the holder %s', async (_how, leave) => {
      const { store, later } = await takenOver();
      await leave(store, later);
      await earlier(store);
      expect(await listed(store)).toMatchObject([{ incarnation: 5n, endpoints: registration().endpoints }]);
      await expect(store.renew(later)).rejects.toThrow();
    });

    it("is registered at its next try after the holder's lease ran out", async () => {
      const { store, clock } = await takenOver();
      await clock.advance(TTL_MS - 1);
      await expect(earlier(store)).rejects.toBeInstanceOf(InstanceTakenOver);
      await clock.advance(1);
      await earlier(store);
      expect(await listed(store)).toMatchObject([{ incarnation: 5n }]);
      expect(await refused(store)).toBeUndefined();
    });

    it('is shown only by lists, for two of its TTLs', async () => {
      const { store, clock, later } = await takenOver();
      expect(await refused(store)).toBeUndefined();
      const timeMs = clock.wall.now().getTime();
      await expect(earlier(store)).rejects.toThrow();
      const lastRefused = { incarnation: 5n, address: registration().endpoints[0]?.address, timeMs };
      expect(await listed(store)).toMatchObject([{ incarnation: 6n, revision: 2n, lastRefused }]);
      expect(await listed(store, 'sales.v1.OrderService')).toMatchObject([{ lastRefused }]);
      const event = await new WatchClient(store).next();
      expect(event).toMatchObject({ instances: [{ incarnation: 6n }] });
      expect(event).not.toMatchObject({ instances: [{ lastRefused: expect.anything() }] });
      for (let third = 1; third <= 6; third += 1) {
        expect(await listed(store)).toMatchObject([{ lastRefused }]);
        await clock.advance(TTL_MS / 3);
        await store.renew(later);
      }
      await clock.advance(1);
      expect(await refused(store)).toBeUndefined();
    });

    it('is shown with its latest try, and no longer once it is registered', async () => {
      const { store, clock, later } = await takenOver();
      await expect(earlier(store)).rejects.toThrow();
      await clock.advance(TTL_MS / 2);
      await expect(store.register(elsewhere({ incarnation: 6n }), TTL_MS)).rejects.toBeInstanceOf(SecretMismatch);
      const timeMs = clock.wall.now().getTime();
      expect(await listed(store)).toMatchObject([
        { lastRefused: { incarnation: 6n, address: '10.6.6.6:666', timeMs } },
      ]);
      await store.deregister(later);
      await earlier(store);
      expect(await listed(store)).toMatchObject([{ incarnation: 5n }]);
      expect(await refused(store)).toBeUndefined();
    });
  });
}
