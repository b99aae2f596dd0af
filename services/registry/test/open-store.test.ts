import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import { systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { ConfigurationError, startService } from '@rondo/service';
import { certify, createFolder, newAuthority } from '../../../packages/rpc/test/support/identities.js';
import { until } from '../../../packages/rpc/test/support/wait.js';
import { registry } from '../src/index.js';
import { openStore } from '../src/open-store.js';
import { DEFAULT_BOUNDS, storeLocation } from '../src/store-location.js';
import { start, stopAll } from './started-registry.js';

const files = { ca: undefined, cert: undefined, key: undefined };
const ETCD = {
  kind: 'etcd',
  isEncrypted: false,
  user: undefined,
  password: undefined,
  prefix: '/rondo/registry',
  ...DEFAULT_BOUNDS,
  files,
};
const { limits } = DEFAULT_BOUNDS;

it.each([
  ['memory', { kind: 'memory', ...DEFAULT_BOUNDS }],
  [
    'memory?instances=30&watches=15&warming-ms=0',
    { kind: 'memory', limits: { ...limits, instances: 30, watches: 15 }, warmingMs: 0 },
  ],
  [
    'etcds://a:1?ca-file=/a.crt&cordoned=5',
    {
      ...ETCD,
      isEncrypted: true,
      endpoints: [{ host: 'a', port: 1 }],
      limits: { ...limits, cordoned: 5 },
      files: { ...files, ca: '/a.crt' },
    },
  ],
  ['etcd://a:1', { ...ETCD, endpoints: [{ host: 'a', port: 1 }] }],
  ['etcd://a', { ...ETCD, endpoints: [{ host: 'a', port: 2379 }] }],
  [
    'etcd://a:1,[::1]:2,c/',
    {
      ...ETCD,
      endpoints: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
        { host: 'c', port: 2379 },
      ],
    },
  ],
  ['etcds://a:1/team/blue', { ...ETCD, isEncrypted: true, endpoints: [{ host: 'a', port: 1 }], prefix: '/team/blue' }],
  ['etcd://ann:p%40ss%2F@a:1', { ...ETCD, user: 'ann', password: 'p@ss/', endpoints: [{ host: 'a', port: 1 }] }],
])('parses %s', (text, value) => {
  expect(storeLocation.parse(text)).toEqual({ ok: true, value });
});

it.each([
  ['etdc://a:1', 'is neither memory nor the URL of an etcd'],
  ['http://a:1', 'is neither memory nor the URL of an etcd'],
  ['etcd://', 'is neither memory nor the URL of an etcd'],
  ['etcd://ann@a:1', 'is neither memory nor the URL of an etcd'],
  ['etcd://a:1?x=y', 'has an unknown key after the ?'],
  ['memory?instances=0', 'has a value of instances that is less than 1'],
  ['memory?services=15001', 'has a value of services that is more than 15000'],
  ['memory?watches=1&watches=2', 'has watches twice'],
  ['memory?ca-file=a.crt', 'has ca-file, which is for etcds:// alone'],
  ['etcd://a?key-file=a.key', 'has key-file, which is for etcds:// alone'],
  ['etcds://a?cert-file=a.crt', 'has one of cert-file and key-file, which go together'],
  ['etcds://a?key-file=a.key', 'has one of cert-file and key-file, which go together'],
  ['etcd://a:99999', 'names hosts of which has port 99999, which is not from 1 to 65535'],
  ['etcd://a:1,,b:2', 'names hosts of which item 2 is empty'],
  ['etcd://ann:%zz@a:1', 'has a user or password with a % that encodes nothing'],
])('refuses %s', (text, fault) => {
  expect(storeLocation.parse(text)).toEqual({ ok: false, fault });
});

it('never shows the password of a location, valid or not', async () => {
  const right = storeLocation.parse('etcd://ann:sesame@a:1');
  expect(right.ok && storeLocation.format(right.value)).toBe('etcd://ann:(hidden)@a:1/rondo/registry');
  const environment = { RONDO_REGISTRY_STORE: 'etcd://ann:sesame@a:0' };
  await expect(startService({ ...registry, environment })).rejects.toThrow(
    /RONDO_REGISTRY_STORE=\(hidden\) names hosts of which has port 0/,
  );
});

const folder = mkdtempSync(join(tmpdir(), 'rondo-files-'));
const pem = join(folder, 'some.pem');
const other = join(folder, 'other.txt');
writeFileSync(pem, '-----BEGIN CERTIFICATE-----\n');
writeFileSync(other, 'not a certificate');

afterAll(async () => {
  await stopAll();
  rmSync(folder, { recursive: true });
});

const missing = join(folder, 'missing');

it.each([
  [
    'a missing file, and one that is no PEM file',
    `etcds://a:1?ca-file=${missing}&cert-file=${pem}&key-file=${other}`,
    ["missing can't be read", 'other.txt is no PEM file'],
  ],
])('a registry does not start with %s', (_what, location, faults) => {
  let thrown: unknown;
  try {
    const store = storeLocation.parse(location);
    if (store.ok) start({ store: store.value });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConfigurationError);
  expect(thrown).toMatchObject({ faults: faults.map((fault) => expect.stringContaining(fault)) });
});

it('a registry shows etcd the certificate that its files have now', async () => {
  const [authority, certificates] = [await newAuthority(), createFolder()];
  const own = [await certify(authority, 'registry'), await certify(authority, 'registry')] as const;
  certificates.write({ ...own[0], ca: authority.cert });
  const shown = new Set<string>();
  const options = { ...(await certify(authority, 'etcd')), ALPNProtocols: ['h2'], requestCert: true };
  const etcd = createServer({ ...options, rejectUnauthorized: false }, (socket) => {
    shown.add(socket.getPeerCertificate().fingerprint256);
    socket.on('error', () => undefined).destroy();
  });
  await new Promise<void>((resolve) => etcd.listen(0, '127.0.0.1', resolve));
  const file = (name: string) => join(certificates.path, name);
  const keys = { 'ca-file': file('ca.crt'), 'cert-file': file('tls.crt'), 'key-file': file('tls.key') };
  const url = `etcds://localhost:${(etcd.address() as AddressInfo).port}?${new URLSearchParams(keys)}`;
  const location = storeLocation.parse(url);
  if (!location.ok) throw new Error(location.fault);
  const clocks = { clock: systemClock, wallClock: systemWallClock, random: systemRandom };
  const { part } = openStore({ location: location.value, ...clocks, log: silentLogger, watchRestMs: 0 });
  const fingerprintOf = (at: 0 | 1) => new X509Certificate(own[at].cert).fingerprint256;
  await until(() => shown.has(fingerprintOf(0)));
  certificates.write(own[1]);
  await until(() => shown.has(fingerprintOf(1)));
  await part.stop?.();
  await new Promise((resolve) => etcd.close(resolve));
});
