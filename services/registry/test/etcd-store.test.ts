import { afterAll, beforeAll, describe } from '@jest/globals';
import { LeaseDefinition } from '@rondo/contracts/etcd-v3/rpc';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock, systemRandom } from '@rondo/rpc/clock';
import { EtcdStore } from '../src/adapters/etcd-store/etcd-store.js';
import { keysUnder } from '../src/adapters/etcd-store/keys.js';
import { connectEtcd } from '../src/adapters/etcd-store/members.js';
import { untilReady } from './etcd/clients.js';
import { type EtcdProcess, noEtcd, startEtcd, tellSkipped } from './etcd/etcd-process.js';
import { numbered } from './etcd/numbered-store.js';
import { PacedClock, withVirtualLeases } from './etcd/virtual-leases.js';
import { describeStore } from './store/describe-store.js';
import type { MakeStore, StoreSetup } from './store/fixture.js';

tellSkipped('the store over etcd', noEtcd);

(noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'over a real etcd', () => {
  let etcd: EtcdProcess;
  let prefixes = 0;
  beforeAll(async () => {
    etcd = await startEtcd();
  });
  afterAll(() => etcd.close());

  /** A store under a prefix of its own. Its leases run out by the test's clock. */
  const makeStore = async ({ clock, random, ...setup }: StoreSetup) => {
    prefixes += 1;
    if (!(clock instanceof PacedClock)) throw new Error('the clock of another store');
    const address = { endpoints: [etcd.address], prefix: `/suite/${prefixes}` };
    const io = { clock: systemClock, random: systemRandom };
    const channel = createChannel({ ...io, resolver: staticResolver(address.endpoints) });
    const lease = createClient(LeaseDefinition, { channel });
    const { head } = keysUnder(address.prefix);
    const virtual = withVirtualLeases(connectEtcd(address, io), { clock, lease, head });
    const { ioClock, heads } = virtual;
    const client = { ...virtual, close: () => [virtual, channel].forEach((one) => void one.close()) };
    // All stores share an etcd: their leases need unique ids, whatever the seed.
    const store = new EtcdStore({
      ...setup,
      random: { next: () => random.next(), hex: systemRandom.hex },
      etcd: client,
      prefix: address.prefix,
      clock,
      ioClock,
    });
    await untilReady(store);
    return numbered(store, heads);
  };
  describeStore('the etcd store', Object.assign(makeStore satisfies MakeStore, { newClock: () => new PacedClock() }), {
    leases: 45,
    seeds: 3,
    steps: 100,
  });
});
