/** Live configuration over real registry processes: what is set holds in every process, and survives the registry. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { eventually, type ServiceProcess, startRegistry, startService } from '@rondo/harness';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { standIn } from '@rondo/rpc/testing';
import { startService as startInProcess } from '@rondo/service';
import { rondo } from '../../packages/rondo/test/recording-context.js';

const SERVICE = AdderServiceDefinition.fullName;

let registry: ServiceProcess;
const adders: ServiceProcess[] = [];
const callers: Channel[] = [];
const closers: (() => unknown)[] = [];

beforeAll(async () => {
  registry = await startRegistry({ warmingMs: 0 });
  closers.push(() => registry.stop());
  for (const [instanceId, metadata] of [
    ['adder-1', ''],
    ['adder-2', 'canary=0'],
  ] as const) {
    const env = { RONDO_METADATA: metadata };
    const main = 'lab/e2e/src/adder-service.mjs';
    const adder = await startService('adder', { main, instanceId, registry: registry.address, env });
    closers.push(() => adder.stop());
    adders.push(adder);
  }
  for (const name of ['caller-1', 'caller-2']) callers.push(await startCaller(name));
  for (const channel of callers) {
    await eventually(async () => {
      await createClient(AdderServiceDefinition, { channel }).add({ a: 1n, b: 2n });
      expect(canaryIn(channel)).toBe('ready');
    });
  }
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** Starts a service in this process, and gives the channel of its calls. */
async function startCaller(name: string): Promise<Channel> {
  let channel: Channel | undefined;
  const caller = await startInProcess({
    name,
    port: 1,
    environment: {
      RONDO_INSTANCE_ID: name,
      RONDO_LISTEN: '127.0.0.1:0',
      RONDO_REGISTRY: registry.address,
      RONDO_DRAIN_WAIT_MS: '0',
    },
    log: silentLogger,
    createApp: (context) => {
      channel = context.channel;
      return { services: [standIn(ConformanceServiceDefinition, {})] };
    },
  });
  closers.push(() => caller.drain());
  if (channel === undefined) throw new Error('the app was not created');
  return channel;
}

const endpointsOf = (channel: Channel) => channel.inspect().find(({ service }) => service === SERVICE)?.endpoints ?? [];
const canaryIn = (channel: Channel) => endpointsOf(channel).find(({ instanceId }) => instanceId === 'adder-2')?.state;

/** How many of 20 calls of each caller the canary gets. */
async function shares(): Promise<readonly number[]> {
  return Promise.all(
    callers.map(async (channel) => {
      const client = createClient(AdderServiceDefinition, { channel });
      const picks = () => endpointsOf(channel).find(({ instanceId }) => instanceId === 'adder-2')?.picks ?? 0;
      const before = picks();
      for (let index = 0; index < 20; index += 1) await client.add({ a: 1n, b: 2n });
      return picks() - before;
    }),
  );
}

/** Runs `rondo` in this process. */
const run = (...args: readonly string[]) => rondo(args, { environment: { RONDO_REGISTRY: registry.address } });

const config = (...args: readonly string[]) => run('config', ...args);

async function set(key: string, value: string, service: string = SERVICE): Promise<void> {
  expect(await config('set', service, key, value)).toMatchObject({ exitCode: 0, stderr: '' });
}

/** Waits until both callers would give the canary all calls. */
async function untilInForce(): Promise<void> {
  const share = (channel: Channel) => endpointsOf(channel).find(({ instanceId }) => instanceId === 'adder-2')?.share;
  await eventually(() => expect(callers.map(share)).toEqual([1, 1]));
}

/** Kills the registry, and starts one that knows nothing at its address. */
async function replaceRegistry(during: () => Promise<void> = async () => undefined): Promise<void> {
  await registry.stop('SIGKILL');
  await during();
  registry = await startRegistry({ listen: registry.address, warmingMs: 0 });
}

describe('a setting', () => {
  it('holds in every process, is listed, survives the registry, and ends when it is unset', async () => {
    expect(await shares()).toEqual([0, 0]);
    await set('canary_percent', '100', 'AdderService');
    await untilInForce();
    expect(await shares()).toEqual([20, 20]);
    const picks = await run('pick', 'AdderService', '--count', '5');
    expect(picks.stdout.match(/^adder-2 /gm)).toHaveLength(5);
    expect((await config()).stdout).toMatch(/rondo\.conformance\.v1\.AdderService +canary_percent +100 +\S+@/);

    // With the registry away nothing changes and nothing fails; an empty one gets the setting back.
    await replaceRegistry(async () => expect(await shares()).toEqual([20, 20]));
    await eventually(async () => expect((await config()).stdout).toContain('canary_percent'));
    expect(await shares()).toEqual([20, 20]);

    expect((await config('unset', SERVICE, 'canary_percent')).stdout).toContain('canary_percent is unset; it was 100');
    await eventually(async () => expect(await shares()).toEqual([0, 0]));
    // What is unset doesn't stay, although a process that hadn't learned of that yet may tell it: those that have tell that, too.
    await replaceRegistry();
    await set('log_level', 'info');
    await eventually(async () => {
      const { stdout } = await config();
      expect(stdout).toContain('log_level');
      expect(stdout).not.toContain('canary_percent');
    });
    expect(await shares()).toEqual([0, 0]);
  });

  it('changes the log level of a running process, and gives it back', async () => {
    const [adder] = adders;
    if (adder === undefined) throw new Error('no adder runs');
    const debugLines = () => adder.output().stdout.split('"level":"debug"').length - 1;
    expect(debugLines()).toBe(0);
    await set('log_level', 'debug');
    await eventually(async () => {
      await shares();
      expect(debugLines()).toBeGreaterThan(10);
    });
    await config('unset', SERVICE, 'log_level');
    await eventually(() =>
      expect(adder.output().stdout).toMatch(/"key":"log_level","value":null.*a setting has changed/),
    );
    const before = debugLines();
    await shares();
    expect(debugLines()).toBe(before);
  });

  it.each([
    [['set', 'AdderService', 'log_levle', 'debug'], 'there is no setting "log_levle": is log_level meant?'],
    [['set', 'AdderService', 'canary_percent', '200'], 'canary_percent is a number from 0 to 100'],
    [['set', 'AdderService', 'log_level'], 'write rondo config set SERVICE KEY VALUE'],
    [['set', 'NoService', 'log_level', 'debug'], 'no service NoService is registered'],
    [['unset', SERVICE, 'breaker'], 'has no setting breaker'],
    [['get', 'AdderService'], 'there is no rondo config get'],
  ])('is refused with a reason: rondo config %j', async (args, reason) => {
    const { exitCode, stderr } = await config(...args);
    expect({ failed: exitCode !== 0, stderr }).toEqual({ failed: true, stderr: expect.stringContaining(reason) });
  });
});
