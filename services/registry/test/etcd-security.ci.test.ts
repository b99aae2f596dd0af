import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthDefinition } from '@rondo/contracts/etcd-v3/rpc';
import { type Channel, type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { patientClock } from '../../../packages/rpc/test/support/patient-clock.js';
import type { EtcdAddress } from '../src/adapters/etcd-store/etcd-client.js';
import { EtcdStore } from '../src/adapters/etcd-store/etcd-store.js';
import { connectEtcd } from '../src/adapters/etcd-store/members.js';
import { StoreUnreachable } from '../src/domain/errors.js';
import { DEFAULT_TOTAL_LIMITS } from '../src/domain/limits.js';
import { untilReady } from './etcd/clients.js';
import { type EtcdProcess, noEtcd, startEtcd, tellSkipped } from './etcd/etcd-process.js';
import { listed, ownSecret, recordingLog, registration, WatchClient } from './store/fixture.js';

const TTL_MS = 30_000;
const PASSWORD = 'open, sesame/@:';
const io = { clock: systemClock, wallClock: systemWallClock, random: systemRandom };
const closers: (() => unknown)[] = [];
const noOpenssl = spawnSync('openssl', ['version']).error === undefined ? undefined : 'no openssl is installed';

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
  for (;;) {
    const outcome = await store.ready().catch((error: unknown) => error);
    if (!(outcome instanceof StoreUnreachable)) throw new Error('the store is ready', { cause: outcome });
    if (!/no answer yet|no outcome within|no connection within/.test(outcome.message)) return outcome.message;
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

const missing = noEtcd ?? noOpenssl;
tellSkipped('an etcd behind TLS', missing);

(missing === undefined ? describe : describe.skip)(missing ?? 'an etcd behind TLS', () => {
  let folder: string;
  const file = (name: string) => join(folder, name);
  const pem = (name: string) => readFileSync(file(name));
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rondo-pem-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function openssl(...args: string[]) {
    // With the machine's clock, which etcd uses, even if the tests run under a shifted clock: otherwise the certificate
    // would begin in the future.
    const env = { ...process.env, LD_PRELOAD: '' };
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, env, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  }

  /** A CA, and a certificate issued by it for both ends. */
  function makeCertificates() {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'];
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Rondo test CA');
    openssl(
      'req',
      ...key.slice(0, 4),
      '-nodes',
      '-keyout',
      'end.key',
      '-out',
      'end.csr',
      '-subj',
      '/CN=etcd',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    );
    openssl(
      'x509',
      '-req',
      '-in',
      'end.csr',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '3650',
      '-copy_extensions',
      'copy',
      '-out',
      'end.pem',
    );
  }

  it('accepts a connection with certificates at both ends, and no other', async () => {
    makeCertificates();
    const ends = ['--cert-file', file('end.pem'), '--key-file', file('end.key')];
    const args = [...ends, '--client-cert-auth', '--trusted-ca-file', file('ca.pem')];
    const { address, close } = await startEtcd({ args, scheme: 'https' });
    closers.push(close);
    const full = { ca: pem('ca.pem'), cert: pem('end.pem'), key: pem('end.key') };
    const { store } = open({ endpoints: [address], tls: full });
    await untilReady(store);
    await store.register(registration(), TTL_MS, ownSecret());
    expect(await listed(store)).toHaveLength(1);
    const others = [undefined, { ca: full.ca }, { cert: full.cert, key: full.key }];
    await Promise.all(others.map((tls) => refusal(open({ endpoints: [address], tls }).store)));
  });
});
