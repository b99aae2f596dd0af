/** A real agent of Consul that asks for a token and a certificate. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { createAuthority, issue } from '@rondo/certificates';
import { consulRegistry } from '@rondo/consul';
import { Instance, InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { eventually, freePort, start } from '@rondo/harness';
import { CONSUL } from './src/foreign-registry.js';

const closings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

const TOKEN = '9b3f6c1e-5d0a-4a52-8a7e-0f2c4c6e1d11';
const instance = Instance.fromPartial({
  ...{ instanceId: 'cart-1', incarnation: 1n, services: ['shop.v1.CartService'] },
  endpoints: [{ address: '10.0.0.1:50051', security: 1 }],
  status: InstanceStatus.INSTANCE_STATUS_SERVING,
});

/** Starts an agent. Returns its address and the folder that has what a client shows. */
async function startAgent() {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-consul-'));
  const save = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const life = { validFrom: new Date(Date.now() - 60_000), validTo: new Date(Date.now() + 3_600_000) };
  const authority = await createAuthority({ trustDomain: 'rondo.test', ...life });
  const { cert, key } = await issue(authority, { name: 'consul', usage: 'process', hosts: ['127.0.0.1'], ...life });
  const files = {
    ca_file: save('ca.pem', authority.cert),
    cert_file: save('c.pem', cert),
    key_file: save('k.pem', key),
  };
  save('token', TOKEN);
  save('wrong', TOKEN.replace('9', '8'));
  const https = await freePort();
  const [server, serf_lan, serf_wan] = [https + 1, https + 2, https + 3];
  const ports = { https, http: -1, dns: -1, grpc: -1, grpc_tls: -1, server, serf_lan, serf_wan };
  const config = {
    ...{ data_dir: folder, bind_addr: '127.0.0.1', bootstrap_expect: 1, server: true, ports },
    acl: { enabled: true, default_policy: 'deny', tokens: { initial_management: TOKEN, agent: TOKEN } },
    tls: { defaults: files, https: { verify_incoming: true } },
  };
  const agent = start(CONSUL, ['agent', `-config-file=${save('agent.json', JSON.stringify(config))}`]);
  closings.push(async () => {
    await agent.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return { address: `127.0.0.1:${https}`, folder };
}

if (!existsSync(CONSUL)) process.stdout.write('NOT TESTED: there is no agent of Consul (lab/consul/build.sh)\n');
(existsSync(CONSUL) ? it : it.skip)(
  'registers with a token over mutual TLS, in a datacenter, and not without',
  async () => {
    const { address, folder } = await startAgent();
    const at = (name: string) => join(folder, name);
    const open = (keys: Readonly<Record<string, string>>) => {
      const registry = consulRegistry(`consul://${address}?${new URLSearchParams({ tls: 'on', ...keys })}`);
      closings.push(() => registry.close());
      return {
        write: () => registry.write(instance, { ttlMs: 60_000, signal: AbortSignal.timeout(60_000) }),
        list: async () => {
          const watch = registry.watch('shop.v1.CartService', AbortSignal.timeout(60_000));
          return (await watch[Symbol.asyncIterator]().next()).value;
        },
      };
    };
    const trust = { 'ca-file': at('ca.pem') };
    const certificate = { ...trust, 'cert-file': at('c.pem'), 'key-file': at('k.pem') };
    const own = open({ ...certificate, 'token-file': at('token'), dc: 'dc1' });
    await eventually(async () => expect(await own.write()).toBe('held'));
    expect(await own.list()).toMatchObject([{ instanceId: 'cart-1' }]);

    const wrongToken = open({ ...certificate, 'token-file': at('wrong') });
    await expect(wrongToken.write()).rejects.toThrow(/HTTP 403: .*(?:ACL not found|Permission denied)/);
    await expect(open({ ...trust, 'token-file': at('token') }).write()).rejects.toThrow(
      /certificate required|bad certificate/,
    );
    const elsewhere = open({ ...certificate, 'token-file': at('token'), dc: 'dc2' });
    await expect(elsewhere.list()).rejects.toThrow(/HTTP 500: No path to datacenter/);
  },
);
