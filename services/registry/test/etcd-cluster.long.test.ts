import { afterEach, describe, expect, it } from '@jest/globals';
import { KVDefinition } from '@rondo/contracts/etcd-v3/rpc';
import { silentLogger } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { sleep, systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { until } from '../../../packages/rpc/test/support/wait.js';
import type { Etcd } from '../src/adapters/etcd-store/etcd-client.js';
import { EtcdStore } from '../src/adapters/etcd-store/etcd-store.js';
import { connectEtcd } from '../src/adapters/etcd-store/members.js';
import type { Instance } from '../src/domain/instance.js';
import { DEFAULT_TOTAL_LIMITS } from '../src/domain/limits.js';
import type { RegistryStore } from '../src/domain/store.js';
import { Holder, untilReady, Watcher } from './etcd/clients.js';
import { noEtcd, startEtcd, startEtcdCluster, tellSkipped } from './etcd/etcd-process.js';
import { listed, ownSecret, recordingLog, registration, WatchClient } from './store/fixture.js';

const TTL_MS = 3000;
const io = { clock: systemClock, wallClock: systemWallClock, random: systemRandom };
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface OpenOptions {
  readonly log?: typeof silentLogger;
  readonly through?: (etcd: Etcd) => Etcd;
  readonly warmingMs?: number;
  readonly limits?: typeof DEFAULT_TOTAL_LIMITS;
}

function open(
  endpoints: readonly string[],
  { log = silentLogger, through = (etcd) => etcd, warmingMs = 0, limits = DEFAULT_TOTAL_LIMITS }: OpenOptions = {},
) {
  const etcd = through(connectEtcd({ endpoints, prefix: '/test' }, io));
  const store = new EtcdStore({ etcd, prefix: '/test', ...io, log, limits, warmingMs });
  closers.push(() => store.close());
  return store;
}

async function alone() {
  const etcd = await startEtcd();
  closers.push(() => etcd.close());
  return etcd;
}

/** Two registries over one etcd. The second one reaches it as `through` says. */
async function pair(through?: OpenOptions['through']) {
  const { address } = await alone();
  const [one, other] = [open([address]), open([address], through && { through })];
  await Promise.all([one, other].map(untilReady));
  return { address, one, other };
}

async function cluster() {
  const members = await startEtcdCluster();
  closers.push(() => Promise.all(members.map((member) => member.close())));
  const endpoints = members.map(({ address }) => address);
  const stores = endpoints.map(() => open(endpoints));
  await Promise.all(stores.map(untilReady));
  return { members, endpoints, stores };
}

const byId = (instances: Iterable<Instance>) =>
  [...instances].map(({ instanceId, weight }) => `${instanceId}:${weight}`).sort();

tellSkipped('registries over etcd, alone and as a cluster', noEtcd);

(noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'registries over one etcd', () => {
  it("renew each other's leases, and remove instances whose leases are not renewed", async () => {
    const { one, other } = await pair();
    const lease = async (instanceId: string) => ({
      instanceId,
      leaseId: (await one.register(registration({ instanceId }), TTL_MS, ownSecret())).leaseId,
    });
    const renewed = await lease('renewed');
    await lease('lost');
    const registeredAt = systemClock.now();
    const lapsing = { over: false };
    const lapsed = until(async () => (await listed(other)).length === 1).finally(() => {
      lapsing.over = true;
    });
    while (!lapsing.over || systemClock.now() - registeredAt < 2 * TTL_MS) {
      expect(await other.renew(renewed)).toMatchObject({ ttlMs: TTL_MS });
      await sleep(systemClock, 500);
    }
    await lapsed;
    expect((await listed(other)).map(({ instanceId }) => instanceId)).toEqual(['renewed']);
  });

  it('give a grace period to instances that found no registry when their leases ran out', async () => {
    const { address } = await alone();
    const first = open([address]);
    await untilReady(first);
    const leases = [];
    for (const instanceId of ['back', 'gone']) {
      leases.push({
        instanceId,
        leaseId: (await first.register(registration({ instanceId }), TTL_MS, ownSecret())).leaseId,
      });
    }
    await first.close();
    await sleep(systemClock, TTL_MS + 2000);
    const next = open([address]);
    await untilReady(next);
    const openedAt = systemClock.now();
    expect(await listed(next)).toHaveLength(2);
    const [back] = leases;
    if (back === undefined) throw new Error('no lease');
    expect(await next.renew(back)).toMatchObject({ ttlMs: TTL_MS });
    await until(async () => {
      await next.renew(back);
      return (await listed(next)).length === 1;
    });
    expect(systemClock.now() - openedAt).toBeGreaterThanOrEqual((TTL_MS * 2) / 3 + 900);
    expect((await listed(next)).map(({ instanceId }) => instanceId)).toEqual(['back']);
  });

  it('share every change: what one has answered, another has when a watch resumes there', async () => {
    const { one, other } = await pair();
    const { position } = await other.listServices();
    for (let index = 0; index < 50; index += 1) {
      const { position: since } = await one.register(registration({ instanceId: `i-${index}` }), TTL_MS);
      expect(await new WatchClient(other, undefined, since).next()).toMatchObject({
        kind: 'progress',
        position: since,
      });
    }
    expect(await new WatchClient(other, undefined, position).next()).toMatchObject({ kind: 'delta' });
    expect((await other.listServices()).position).toEqual((await one.listServices()).position);
  });

  it('apply concurrent changes at two of them one after the other', async () => {
    const { one, other } = await pair();
    const { leaseId } = await one.register(registration(), TTL_MS * 10, ownSecret());
    const lease = { leaseId, instanceId: 'sales-1' };
    for (let round = 1; round <= 40; round += 1) {
      const metadata = { round: String(round) };
      await Promise.all([one.update(lease, { weight: round }), other.update(lease, { metadata })]);
      await until(async () => {
        const [sales] = (await listed(one)).filter(({ instanceId }) => instanceId === 'sales-1');
        return sales?.weight === round && sales.metadata['round'] === metadata.round;
      });
      const incarnations = [2 * round, 2 * round + 1].map((id) =>
        registration({ instanceId: 'twice', incarnation: BigInt(id) }),
      );
      const [earlier, later] = await Promise.allSettled(
        incarnations.map((each, index) => (index === 0 ? one : other).register(each, TTL_MS * 10)),
      );
      expect(later?.status).toBe('fulfilled');
      if (earlier?.status === 'rejected') expect(earlier.reason).toMatchObject({ name: 'InstanceTakenOver' });
    }
  });

  it("check the secret whichever of them received it, and list each other's refusals", async () => {
    const { one, other } = await pair();
    const { leaseId } = await one.register(registration({ incarnation: 5n }), TTL_MS * 10, ownSecret());
    expect(await other.register(registration({ incarnation: 5n }), TTL_MS * 10, ownSecret())).toMatchObject({
      leaseId,
    });
    for (const incarnation of [5n, 4n]) {
      await expect(other.register(registration({ incarnation }), TTL_MS * 10)).rejects.toThrow();
    }
    await until(async () => (await listed(one))[0]?.lastRefused?.incarnation === 5n);
    expect(await listed(other)).toMatchObject([{ lastRefused: { incarnation: 5n } }]);
  });

  it('of an earlier version, which write no secret, leave an instance its lease and give it to no other process', async () => {
    const { one, other: before } = await pair(forgettingSecrets);
    const { leaseId } = await one.register(registration(), TTL_MS * 10, ownSecret());
    const lease = { leaseId, instanceId: 'sales-1' };
    await before.update(lease, { weight: 7 });
    expect(await one.renew(lease)).toMatchObject({ ttlMs: TTL_MS * 10 });
    for (const options of [ownSecret(), {}]) {
      await expect(one.register(registration(), TTL_MS * 10, options)).rejects.toMatchObject({
        name: 'SecretMismatch',
      });
    }
    await one.deregister(lease);
    await one.register(registration(), TTL_MS * 10, ownSecret());
  });

  it('serve their last state while etcd is away, refuse changes, and recover by themselves', async () => {
    const etcd = await alone();
    const { log, lines } = recordingLog();
    const store = open([etcd.address], { log });
    await untilReady(store);
    const { leaseId } = await store.register(registration(), 60_000, ownSecret());
    await etcd.kill();
    await until(() => !store.connected);
    expect(await listed(store)).toHaveLength(1);
    expect(await new WatchClient(store).next()).toMatchObject({ kind: 'snapshot' });
    await expect(store.register(registration({ instanceId: 'b' }), TTL_MS)).rejects.toMatchObject({
      name: 'StoreUnreachable',
      message: expect.stringContaining(`the store at ${etcd.address} can't be reached`),
    });
    await etcd.restart();
    await until(() => store.connected);
    await store.renew({ leaseId, instanceId: 'sales-1' });
    expect(lines.filter((line) => line.includes('store'))).toEqual([
      expect.stringMatching(/^warn: the store can't be reached/),
      'info: the store is back',
    ]);
  });

  it('wait for an etcd that has not started yet', async () => {
    const etcd = await alone();
    await etcd.kill();
    const store = open([etcd.address]);
    await expect(store.ready()).rejects.toMatchObject({ name: 'StoreUnreachable' });
    await expect(store.listServices()).rejects.toMatchObject({ name: 'StoreUnreachable' });
    await etcd.restart();
    await until(async () =>
      store.ready().then(
        () => true,
        () => false,
      ),
    );
    expect(await listed(store)).toEqual([]);
  });

  it('begin another epoch, warming, if etcd was emptied', async () => {
    const etcd = await alone();
    const store = open([etcd.address], { warmingMs: 60_000 });
    await untilReady(store);
    await store.register(registration(), 60_000, ownSecret());
    const before = await store.listServices();
    const follower = new WatchClient(store);
    await follower.next();
    await etcd.kill();
    etcd.wipe();
    await etcd.restart();
    await until(async () => (await store.listServices()).position.epoch !== before.position.epoch);
    expect(await store.listServices()).toMatchObject({ services: [], warming: true });
    await expect(follower.next()).rejects.toMatchObject({ name: 'StoreClosed' });
    expect(await new WatchClient(store, undefined, before.position).next()).toMatchObject({ kind: 'snapshot' });
    expect((await store.listServices()).position.epoch).toBeGreaterThan(before.position.epoch);
  });

  it('read all keys again if etcd has compacted the missed changes', async () => {
    const gate = watchGate();
    const { address, one, other: cut } = await pair(gate.through);
    const leaving = await one.register(registration({ instanceId: 'goes' }), TTL_MS * 10, ownSecret());
    await one.register(registration({ instanceId: 'stays' }), TTL_MS * 10, ownSecret());
    await until(async () => (await listed(cut)).length === 2);
    const follower = new WatchClient(cut);
    await follower.next();
    gate.shut();
    await one.deregister({ leaseId: leaving.leaseId, instanceId: 'goes' });
    const { position } = await one.register(registration({ instanceId: 'comes' }), TTL_MS * 10, ownSecret());
    const channel = createChannel({ ...io, resolver: staticResolver([address]) });
    closers.push(() => channel.close());
    await createClient(KVDefinition, { channel }).compact({ revision: position.revision });
    gate.open();
    await until(async () => (await listed(cut)).length === 2 && follower.held.size === 2);
    expect(await follower.next()).toMatchObject({ kind: 'snapshot', position });
    expect([...follower.held.keys()].sort()).toEqual(['comes', 'stays']);
  });

  it('deregister even with far more tombstones than the limit: a transaction has a bounded size', async () => {
    const { address } = await alone();
    const before = open([address]);
    await untilReady(before);
    const leave = async (store: RegistryStore, instanceId: string) => {
      const { leaseId } = await store.register(registration({ instanceId }), 600_000, ownSecret(1n));
      await store.deregister({ leaseId, instanceId }, 2n);
    };
    for (let index = 0; index < 150; index += 1) await leave(before, `i-${index}`);
    const after = open([address], { limits: { ...DEFAULT_TOTAL_LIMITS, instances: 1 } });
    await untilReady(after);
    await leave(after, 'last');
    expect(await listed(after)).toEqual([]);
  });

  it('let a watcher from another registry wait until they have caught up', async () => {
    const gate = watchGate();
    const { one, other: late } = await pair(gate.through);
    // The watch waits a second at most, and a busy machine may take longer to open the gate: then the test tries again.
    for (let left = 20; ; left -= 1) {
      gate.shut();
      const { position } = await one.register(registration({ instanceId: `try-${left}` }), TTL_MS * 10);
      const startedAt = systemClock.now();
      const resumed = new WatchClient(late, undefined, position).next();
      await sleep(systemClock, 300);
      gate.open();
      const heard = await resumed;
      if (left > 0 && systemClock.now() - startedAt > 900 && heard?.kind !== 'progress') continue;
      expect(heard).toMatchObject({ kind: 'progress', position });
      return;
    }
  });
});

/** Lets a store write what an earlier version would: no secrets. */
function forgettingSecrets(etcd: Etcd): Etcd {
  return {
    ...etcd,
    commit: (conditions, steps, otherwise) => {
      for (const { request } of steps) {
        if (request?.$case !== 'requestPut') continue;
        const text = request.value.value.toString().replace(/"secretHash":"[^"]*",/, '');
        request.value.value = Buffer.from(text);
      }
      return etcd.commit(conditions, steps, otherwise);
    },
  };
}

/** Lets a test cut off a store's watch, until it opens the gate again. */
function watchGate() {
  let isShut = false;
  let broken = new AbortController();
  return {
    shut() {
      isShut = true;
      broken.abort();
      broken = new AbortController();
    },
    open() {
      isShut = false;
    },
    through: (etcd: Etcd): Etcd => ({
      ...etcd,
      async *watch(range, startRevision, signal) {
        if (isShut) throw new Error('cut off');
        yield* etcd.watch(range, startRevision, AbortSignal.any([signal, broken.signal]));
      },
    }),
  };
}

(noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'three registries over three etcd nodes', () => {
  it.each([
    ['an etcd node and a registry are killed', 'kill'],
    ['an etcd node is frozen', 'freeze'],
  ] as const)(
    'lose nothing when %s: no error after a retry elsewhere, no watcher misses a change',
    async (_what, how) => {
      const { members, stores } = await cluster();
      const living: RegistryStore[] = [...stores];
      const holders = Array.from({ length: 12 }, (_, index) => new Holder(`i-${index}`, living));
      await Promise.all(holders.map((holder) => holder.start(TTL_MS)));
      const watchers = Array.from({ length: 6 }, (_, index) => new Watcher(living, index));
      for (const watcher of watchers) watcher.start();
      await sleep(systemClock, 1000);
      const [member] = members;
      const [store] = stores;
      if (how === 'kill') {
        await member?.kill();
        living.shift();
        await store?.close();
      } else member?.freeze();
      await sleep(systemClock, 5000);
      await until(() => holders.every(({ changes }) => changes > 10));
      const outcomes = await Promise.all(holders.map((holder) => holder.stop()));
      const expected = outcomes.map(({ instanceId, weight }) => `${instanceId}:${weight}`).sort();
      await until(() => watchers.every(({ held }) => byId(held.values()).join() === expected.join()));
      if (how === 'freeze') member?.thaw();
      expect(outcomes.flatMap(({ errors }) => errors)).toEqual([]);
      const watched = await Promise.all(watchers.map((watcher) => watcher.stop()));
      expect(watched.flatMap(({ faults }) => faults)).toEqual([]);
    },
  );
});
