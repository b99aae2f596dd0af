/** Real servers of other kinds of registry that ask for a certificate, and Consul's for a token. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { createAuthority, issue } from '@rondo/certificates';
import { Instance, InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { eventually, freePort, type RunningProcess, start } from '@rondo/harness';
import type { RegistryAdapter } from '@rondo/registries';
import { consulRegistry } from '@rondo/registry-consul/registry';
import { eurekaRegistry } from '@rondo/registry-eureka/registry';
import { systemClock as clock } from '@rondo/rpc/clock';
import { CONSUL, JAVA, runEureka } from './src/foreign-registry.js';
import { closings } from './src/foreign-system.js';

const TOKEN = '9b3f6c1e-5d0a-4a52-8a7e-0f2c4c6e1d11';
const instance = Instance.fromPartial({
  instanceId: 'cart-1',
  incarnation: 1n,
  services: ['shop.v1.CartService'],
  endpoints: [{ address: '10.0.0.1:50051', security: 1 }],
  status: InstanceStatus.INSTANCE_STATUS_SERVING,
});

/** A folder with the certificates of a server and a client, and with tokens. */
async function createFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-secured-'));
  const at = (name: string) => join(folder, name);
  const life = { validFrom: new Date(Date.now() - 60_000), validTo: new Date(Date.now() + 3_600_000) };
  const authority = await createAuthority({ trustDomain: 'rondo.test', ...life });
  const { cert, key } = await issue(authority, { name: 'registry', usage: 'process', hosts: ['127.0.0.1'], ...life });
  const files = { 'ca.pem': authority.cert, 'c.pem': cert, 'k.pem': key, token: TOKEN, wrong: TOKEN.replace('9', '8') };
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);
  const trust = { tls: 'on', 'ca-file': at('ca.pem') };
  return { folder, at, trust, certificate: { ...trust, 'cert-file': at('c.pem'), 'key-file': at('k.pem') } };
}

/** Ends a server after the test, and removes its folder. */
function ownServer(server: RunningProcess, folder: string): void {
  closings.push(async () => {
    await server.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
}

/** What is asked of a registry. */
function ask(registry: RegistryAdapter) {
  closings.push(() => registry.close());
  return {
    write: () => registry.write(instance, { ttlMs: 60_000, signal: AbortSignal.timeout(60_000) }),
    list: async () => {
      const watch = registry.watch('shop.v1.CartService', AbortSignal.timeout(60_000));
      return (await watch[Symbol.asyncIterator]().next()).value;
    },
  };
}

const REFUSED = /certificate required|bad certificate/;

if (!existsSync(CONSUL)) process.stdout.write('NOT TESTED: there is no agent of Consul (lab/consul/build.sh)\n');
(existsSync(CONSUL) ? it : it.skip)(
  'registers in Consul with a token over mutual TLS, in a datacenter, and not without',
  async () => {
    const { folder, at, trust, certificate } = await createFolder();
    const https = await freePort();
    const [server, serf_lan, serf_wan] = [https + 1, https + 2, https + 3];
    const ports = { https, http: -1, dns: -1, grpc: -1, grpc_tls: -1, server, serf_lan, serf_wan };
    const files = { ca_file: at('ca.pem'), cert_file: at('c.pem'), key_file: at('k.pem') };
    const config = {
      data_dir: folder,
      bind_addr: '127.0.0.1',
      bootstrap_expect: 1,
      server: true,
      ports,
      acl: { enabled: true, default_policy: 'deny', tokens: { initial_management: TOKEN, agent: TOKEN } },
      tls: { defaults: files, https: { verify_incoming: true } },
    };
    writeFileSync(at('agent.json'), JSON.stringify(config));
    ownServer(start(CONSUL, ['agent', `-config-file=${at('agent.json')}`]), folder);
    const open = (keys: Readonly<Record<string, string>>) =>
      ask(consulRegistry(`consul://127.0.0.1:${https}?${new URLSearchParams(keys)}`));
    const own = open({ ...certificate, 'token-file': at('token'), dc: 'dc1' });
    await eventually(async () => expect(await own.write()).toBe('held'));
    expect(await own.list()).toMatchObject([{ instanceId: 'cart-1' }]);

    const wrongToken = open({ ...certificate, 'token-file': at('wrong') });
    await expect(wrongToken.write()).rejects.toThrow(/HTTP 403: .*(?:ACL not found|Permission denied)/);
    await expect(open({ ...trust, 'token-file': at('token') }).write()).rejects.toThrow(REFUSED);
    const elsewhere = open({ ...certificate, 'token-file': at('token'), dc: 'dc2' });
    await expect(elsewhere.list()).rejects.toThrow(/HTTP 500: No path to datacenter/);
  },
);

if (!existsSync(JAVA)) process.stdout.write('NOT TESTED: there is no server of Eureka (lab/java/build.sh)\n');
(existsSync(JAVA) ? it : it.skip)('registers in Eureka over mutual TLS, and not without', async () => {
  const { folder, at, trust, certificate } = await createFolder();
  const port = await freePort();
  const files = { certificate: 'c.pem', 'certificate-private-key': 'k.pem', 'trust-certificate': 'ca.pem' };
  const settings = Object.entries(files).map(([name, file]) => `server.ssl.${name}=file:${at(file)}`);
  ownServer(runEureka(port, ['server.ssl.client-auth=need', ...settings]), folder);
  const open = (keys: Readonly<Record<string, string>>) =>
    ask(eurekaRegistry(`eureka://127.0.0.1:${port}?${new URLSearchParams(keys)}`, { clock }));
  const own = open(certificate);
  await eventually(async () => expect(await own.write()).toBe('held'));
  await eventually(async () => expect(await open(certificate).list()).toMatchObject([{ instanceId: 'cart-1' }]));
  await expect(open(trust).write()).rejects.toThrow(REFUSED);
  await expect(open({ tls: 'on' }).write()).rejects.toThrow(/unable to verify|self.signed/);
  await expect(open({}).write()).rejects.toThrow(/HTTP 400/);
});
