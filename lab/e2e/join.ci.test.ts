import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { renewAll } from '@rondo/certificates';
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { InstanceStatus, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import {
  eventually,
  isAlive,
  type RunningProcess,
  root,
  type ServiceProcess,
  start,
  startRegistry,
  startService,
} from '@rondo/harness';
import { createChannel, createClient, createRegistryChannel, staticResolver } from '@rondo/rpc/client';
import { systemWallClock } from '@rondo/rpc/clock';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const SERVICE = CalculatorDefinition.fullName;
const AGENT = [join(root, 'packages/rondo/dist/join.mjs'), 'join', '--service', SERVICE, '--address', '127.0.0.1:0'];

/** A server that `rondo join` has started, and what the registry knows of it. */
async function joined(command = [process.execPath, join(root, 'lab/e2e/src/foreign-server.mjs')]) {
  const registry: ServiceProcess = await startRegistry({ warmingMs: 0 });
  closers.push(() => registry.stop());
  const env = {
    ...process.env,
    RONDO_REGISTRY: registry.address,
    RONDO_INSTANCE_ID: 'foreign-1',
    RONDO_DRAIN_WAIT_MS: '200',
  };
  const args = [...AGENT, '--', ...command];
  const agent: RunningProcess = start(process.execPath, args, { cwd: root, env });
  closers.push(() => agent.stop('SIGKILL'));
  const [, pid = ''] = await agent.printed(/pid (\d+) at/);
  closers.push(() => kill(Number(pid), 'SIGKILL'));
  const channel = createChannel({ resolver: staticResolver([registry.address]) });
  closers.push(() => channel.close());
  const client = createClient(RegistryServiceDefinition, { channel });
  const becomes = (wanted: InstanceStatus | undefined) =>
    eventually(async () => {
      const { instances } = await client.listInstances({ service: SERVICE });
      expect(instances[0]?.status).toBe(wanted);
    });
  await becomes(InstanceStatus.INSTANCE_STATUS_SERVING);
  return { registry, agent, pid: Number(pid), becomes, events: client.watch({ service: SERVICE }) };
}

function kill(pid: number, signal: NodeJS.Signals): void {
  if (isAlive(pid)) process.kill(pid, signal);
}

describe('a server that rondo join has started', () => {
  it('is found and called by its service', async () => {
    const { registry } = await joined();
    const channel = createRegistryChannel({ registry: [registry.address] });
    closers.push(() => channel.close());
    expect(await createClient(CalculatorDefinition, { channel }).add({ a: 2n, b: 3n })).toEqual({ result: 5n });
  });

  it('is out of use while it is frozen', async () => {
    const { pid, becomes } = await joined();
    kill(pid, 'SIGSTOP');
    await becomes(InstanceStatus.INSTANCE_STATUS_STARTING);
    kill(pid, 'SIGCONT');
    await becomes(InstanceStatus.INSTANCE_STATUS_SERVING);
  });

  it('drains before it gets the signal, and gives its exit code on', async () => {
    const { agent, events } = await joined();
    agent.signal('SIGHUP');
    await agent.printed(/got SIGHUP/);
    const seen: InstanceStatus[] = [];
    for await (const { event } of events) {
      if (event?.$case === 'snapshot') agent.signal('SIGTERM');
      if (event?.$case === 'delta') seen.push(...event.value.upserts.map(({ status }) => status));
      if (event?.$case === 'delta' && event.value.removals.length > 0) break;
    }
    expect(seen).toEqual([InstanceStatus.INSTANCE_STATUS_DRAINING]);
    expect((await agent.ended).code).toBe(3);
    expect(agent.output().stdout).toMatch(/got SIGTERM/);
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)('ends with the shell that has started it, at %s', async (signal) => {
    const server = `"${process.execPath}" lab/e2e/src/foreign-server.mjs`;
    const { agent, pid } = await joined(['sh', '-c', `echo shell $$; ${server}; exit 4`]);
    const [, shell] = await agent.printed(/shell (\d+)/);
    if (signal === 'SIGTERM') agent.signal(signal);
    else kill(Number(shell), signal);
    await agent.ended;
    expect(agent.output().stdout).toMatch(/got SIGTERM/);
    expect(isAlive(pid)).toBe(false);
  });

  it('is deregistered when it is killed, and ends its agent', async () => {
    const { agent, pid, becomes } = await joined();
    kill(pid, 'SIGKILL');
    expect((await agent.ended).code).toBe(137);
    await becomes(undefined);
  });
});

describe('with TLS', () => {
  it('an agent joins only what its certificate may serve, at an address that presents such a one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rondo-join-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const names = ['registry', 'calculator', 'shop'];
    await renewAll(names, { folder, trustDomain: 'rondo.local', now: systemWallClock.now(), hosts: [] });
    const tls = (name: string) => ({ RONDO_TLS: 'on', RONDO_TLS_DIR: join(folder, name) });
    const registry = await startRegistry({ warmingMs: 0, env: tls('registry') });
    closers.push(() => registry.stop());
    const main = 'lab/xds/numbered-server.mjs';
    const serverOf = async (name: string) => {
      const server = await startService('calculator', { main, env: tls(name) });
      closers.push(() => server.stop('SIGKILL'));
      return server.address;
    };
    const agentOf = (name: string, address: string) => {
      const env = { ...process.env, ...tls(name), RONDO_REGISTRY: registry.address };
      const args = [...AGENT.slice(0, -1), address];
      const agent = start(process.execPath, args, { cwd: root, env });
      closers.push(() => agent.stop('SIGKILL'));
      return agent;
    };
    const [own, other] = [await serverOf('calculator'), await serverOf('shop')];
    await agentOf('shop', own).printed(/spiffe:\/\/rondo\.local\/shop may not serve calculator\.Calculator/);
    const wrong = agentOf('calculator', other);
    await agentOf('calculator', own).printed(/it takes calls/);
    expect(wrong.output().stdout).not.toMatch(/it takes calls/);
  });
});
