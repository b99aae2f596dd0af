import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { LeaseDefinition } from '@rondo/contracts/etcd-v3/rpc';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { patientClock } from '../../../packages/rpc/test/support/patient-clock.js';
import { EtcdStore } from '../src/adapters/etcd-store/etcd-store.js';
import { keysUnder } from '../src/adapters/etcd-store/keys.js';
import { connectEtcd } from '../src/adapters/etcd-store/members.js';
import { EtcdSettings } from '../src/adapters/settings/etcd-settings.js';
import type { SettingRecord } from '../src/domain/settings.js';
import { untilReady } from './etcd/clients.js';
import { type EtcdProcess, noEtcd, startEtcd, tellSkipped } from './etcd/etcd-process.js';
import { numbered } from './etcd/numbered-store.js';
import { PacedClock, withVirtualLeases } from './etcd/virtual-leases.js';
import { SALES } from './started-registry.js';
import { describeStore } from './store/describe-store.js';
import type { MakeStore, StoreSetup } from './store/fixture.js';
import { describeSettings } from './store/settings.js';

tellSkipped('the stores over etcd', noEtcd);

const io = { clock: patientClock, random: systemRandom };

(noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'over a real etcd', () => {
  let etcd: EtcdProcess;
  let channel: Channel;
  let prefixes = 0;
  beforeAll(async () => {
    etcd = await startEtcd();
    channel = createChannel({ ...io, resolver: staticResolver([etcd.address]) });
  });
  afterAll(async () => {
    channel.close();
    await etcd.close();
  });

  /** A store under a prefix of its own. Its leases run out by the test's clock. */
  const makeStore = async ({ clock, random, ...setup }: StoreSetup) => {
    prefixes += 1;
    if (!(clock instanceof PacedClock)) throw new Error('the clock of another store');
    const address = { endpoints: [etcd.address], prefix: `/suite/${prefixes}` };
    const lease = createClient(LeaseDefinition, { channel });
    const { head } = keysUnder(address.prefix);
    const virtual = withVirtualLeases(connectEtcd(address, io), { clock, lease, head });
    const { ioClock, heads } = virtual;
    // All stores share an etcd: their leases need unique ids, whatever the seed.
    const store = new EtcdStore({
      ...setup,
      random: { next: () => random.next(), hex: systemRandom.hex },
      etcd: virtual,
      prefix: address.prefix,
      clock,
      ioClock,
    });
    await untilReady(store);
    return numbered(store, heads);
  };
  describeStore('the etcd store', Object.assign(makeStore satisfies MakeStore, { newClock: () => new PacedClock() }), {
    leases: 45,
    large: 80,
    seeds: 3,
    steps: 60,
  });

  describe('settings in etcd', () => {
    const closers: (() => unknown)[] = [];
    afterEach(async () => {
      for (const close of closers.splice(0).reverse()) await close();
    });

    async function openSettings(prefix: string) {
      const client = connectEtcd({ endpoints: [etcd.address], prefix }, io);
      const store = new EtcdSettings({ etcd: client, prefix, ...io, wallClock: systemWallClock, log: silentLogger });
      closers.push(
        () => client.close(),
        () => store.close(),
      );
      return store;
    }

    describeSettings(() => {
      prefixes += 1;
      return openSettings(`/settings/${prefixes}`);
    });

    it('are shared by registries, and outlive them', async () => {
      const [one, other] = [await openSettings('/shared'), await openSettings('/shared')];
      const ended = new AbortController();
      const watch = other.watch(ended.signal)[Symbol.asyncIterator]();
      await watch.next();
      await one.change({ service: SALES, key: 'log_level', value: 'debug', author: '' });
      expect((await watch.next()).value).toMatchObject([{ key: 'log_level', value: 'debug' }]);
      ended.abort();
      await watch.return?.();
      const later = (await openSettings('/shared')).watch(new AbortController().signal)[Symbol.asyncIterator]();
      let seen: readonly SettingRecord[] = (await later.next()).value;
      if (seen.length === 0) seen = (await later.next()).value;
      expect(seen).toMatchObject([{ value: 'debug' }]);
      await later.return?.();
    });
  });
});
