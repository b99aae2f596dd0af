import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthDefinition } from '@rondo/contracts/etcd-v3/rpc';
import { type Channel, type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { sleep, systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { certify, createFolder, newAuthority } from '../../../packages/rpc/test/support/identities.js';
import { patientClock } from '../../../packages/rpc/test/support/patient-clock.js';
import type { EtcdAddress } from '../src/adapters/etcd-store/etcd-client.js';
import { EtcdStore } from '../src/adapters/etcd-store/etcd-store.js';
import { connectEtcd } from '../src/adapters/etcd-store/members.js';
import { StoreUnreachable } from '../src/domain/errors.js';
import { DEFAULT_TOTAL_LIMITS } from '../src/domain/limits.js';
import { READY_MS, untilReady } from './etcd/clients.js';
import { type EtcdProcess, noEtcd, startEtcd, tellSkipped } from './etcd/etcd-process.js';
import { listed, ownSecret, recordingLog, registration, WatchClient } from './store/fixture.js';

const TTL_MS = 30_000;
const PASSWORD = 'open, sesame/@:';
const io = { clock: systemClock, wallClock: systemWallClock, random: systemRandom };
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function open(address: Omit<EtcdAddress, 'prefix'>) {
  const { log, lines } = recordingLog();
  const etcd = connectEtcd({ ...address, prefix: '/test' }, io);
  const store = new EtcdStore({ etcd, prefix: '/test', ...io, log, limits: DEFAULT_TOTAL_LIMITS, warmingMs: 0 });
  closers.push(() => store.close());
  return { store, lines };
}

/** Why the store isn't ready, once etcd has answered: on a busy machine that may take longer than a caller waits. */
async function refusal(store: EtcdStore): Promise<string> {
  const lastMs = systemClock.now() + READY_MS;
  for (;;) {
    const outcome = await store.ready().catch((error: unknown) => error);
    if (!(outcome instanceof StoreUnreachable)) throw new Error('the store is ready', { cause: outcome });
    const isLate = /no answer yet|no outcome within|no connection within/.test(outcome.message);
    if (!isLate || systemClock.now() > lastMs) return outcome.message;
    // Between its attempts to connect it says the last reason at once.
    await sleep(systemClock, 50);
  }
}

tellSkipped('an etcd with users', noEtcd);

(noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'an etcd with users', () => {
  let etcd: EtcdProcess;
  let channel: Channel;
  let auth: Client<typeof AuthDefinition>;

  beforeAll(async () => {
    etcd = await startEtcd({ args: ['--bcrypt-cost', '4'] });
    channel = createChannel({ ...io, resolver: staticResolver([etcd.address]), clock: patientClock });
    auth = createClient(AuthDefinition, { channel });
    await auth.userAdd({ name: 'root', password: PASSWORD });
    await auth.roleAdd({ name: 'root' });
    await auth.userGrantRole({ user: 'root', role: 'root' });
    await auth.authEnable({});
  });
  afterAll(async () => {
    channel.close();
    await etcd.close();
  });

  /** Makes etcd forget all its tokens. */
  async function forget() {
    const user = { name: 'root', password: PASSWORD };
    const { token } = await auth.authenticate(user);
    await auth.userChangePassword(user, { metadata: { token } });
  }

  it('gets a token with each call and watch, and a new one after it has forgotten its tokens', async () => {
    const { store } = open({ endpoints: [etcd.address], credentials: { user: 'root', password: PASSWORD } });
    await untilReady(store);
    const { leaseId } = await store.register(registration(), TTL_MS, ownSecret());
    const follower = new WatchClient(store);
    await follower.next();
    await forget();
    await store.renew({ leaseId, instanceId: 'sales-1' });
    await store.update({ leaseId, instanceId: 'sales-1' }, { weight: 7 });
    expect(await follower.next()).toMatchObject({ kind: 'delta', upserts: [{ weight: 7 }] });
  });

  it.each([
    ['a caller without a user', undefined, 'user name is empty'],
    ['a wrong password', { user: 'root', password: `${PASSWORD}!` }, 'invalid user ID or password'],
  ])('refuses %s, and the reason contains no password', async (_caller, credentials, reason) => {
    const { store, lines } = open({ endpoints: [etcd.address], credentials });
    const message = await refusal(store);
    expect(message).toContain(reason);
    expect(message).not.toContain(PASSWORD);
    expect(lines.join('\n')).not.toContain('sesame');
    expect(store.name).not.toContain('sesame');
  });
});

(noEtcd === undefined ? describe : describe.skip)(noEtcd ?? 'an etcd behind TLS', () => {
  it('accepts a connection with certificates at both ends, and no other', async () => {
    const folder = createFolder();
    closers.push(() => folder.remove());
    const authority = await newAuthority();
    const { cert, key } = await certify(authority, 'etcd');
    folder.write({ cert, key, ca: authority.cert });
    const file = (name: string) => join(folder.path, name);
    const ends = ['--cert-file', file('tls.crt'), '--key-file', file('tls.key')];
    const args = [...ends, '--client-cert-auth', '--trusted-ca-file', file('ca.crt')];
    const { address, close } = await startEtcd({ args, scheme: 'https' });
    closers.push(close);
    const own = { cert: Buffer.from(cert), key: Buffer.from(key) };
    const ca = Buffer.from(authority.cert);
    const { store } = open({ endpoints: [address], tls: { ca, ...own } });
    await untilReady(store);
    await store.register(registration(), TTL_MS, ownSecret());
    expect(await listed(store)).toHaveLength(1);
    const stranger = await certify(await newAuthority(), 'etcd');
    const foreign = { ca, cert: Buffer.from(stranger.cert), key: Buffer.from(stranger.key) };
    const refused = [undefined, { ca }, foreign, own].map((tls) => refusal(open({ endpoints: [address], tls }).store));
    expect(await Promise.all(refused)).toEqual(
      [
        'it may need TLS',
        'cert-file and key-file in RONDO_REGISTRY_STORE must',
        'cert-file and key-file in RONDO_REGISTRY_STORE must',
        'ca-file in RONDO_REGISTRY_STORE must',
      ].map((remedy) => expect.stringContaining(remedy)),
    );
  });
});
