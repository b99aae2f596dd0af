import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { ConfigurationError } from '@rondo/service';
import { start, stopAll } from './started-registry.js';

const folder = mkdtempSync(join(tmpdir(), 'rondo-files-'));
const pem = join(folder, 'some.pem');
const other = join(folder, 'other.txt');
writeFileSync(pem, '-----BEGIN CERTIFICATE-----\n');
writeFileSync(other, 'nothing of the kind');

afterAll(async () => {
  await stopAll();
  rmSync(folder, { recursive: true });
});

const etcd = (isEncrypted: boolean) =>
  ({
    kind: 'etcd',
    endpoints: [{ host: 'a', port: 1 }],
    isEncrypted,
    user: undefined,
    password: undefined,
    prefix: '/a',
  }) as const;

it.each([
  ['files without TLS', { store: etcd(false), storeCa: pem }, ['RONDO_REGISTRY_STORE_CA is for TLS alone']],
  ['files for the memory', { storeCa: pem }, ['RONDO_REGISTRY_STORE_CA is for TLS alone']],
  [
    'a certificate alone',
    { store: etcd(true), storeCert: pem },
    ['RONDO_REGISTRY_STORE_CERT is set without RONDO_REGISTRY_STORE_KEY'],
  ],
  [
    'a key alone',
    { store: etcd(true), storeKey: pem },
    ['RONDO_REGISTRY_STORE_KEY is set without RONDO_REGISTRY_STORE_CERT'],
  ],
  [
    'no file, and none of the kind',
    { store: etcd(true), storeCa: join(folder, 'missing'), storeCert: pem, storeKey: other },
    ["missing can't be read", 'other.txt is no PEM file'],
  ],
])('a registry does not start with %s', (_what, config, faults) => {
  let thrown: unknown;
  try {
    start(config);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConfigurationError);
  expect(thrown).toMatchObject({ faults: faults.map((fault) => expect.stringContaining(fault)) });
});
