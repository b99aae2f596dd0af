import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import { Instance, InstanceStatus, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';
import { startFakeRegistry } from './fake-registry.js';
import { instanceAt } from './instance.js';
import { rondo } from './recording-context.js';
import { startAdder, startUnfed } from './services.js';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let adder: Awaited<ReturnType<typeof startAdder>>;

beforeEach(async () => {
  registry = await startFakeRegistry();
  adder = await startAdder('adder-1', registry.address);
  await registry.until('adder-1', 'INSTANCE_STATUS_SERVING');
});

afterEach(async () => {
  await adder.drain();
  await registry.stop();
});

/** Runs the doctor without a repository, as in an image. */
async function findings(address = registry.address) {
  const { exitCode, stdout, stderr } = await rondo(['doctor', '--json', '--registry', address]);
  expect(stderr).toBe('');
  const { healthy, findings: found } = JSON.parse(stdout);
  const fails = found.some(({ state }: { state: string }) => state === 'fail');
  expect({ healthy, exitCode }).toEqual(fails ? { healthy: false, exitCode: 1 } : { healthy: true, exitCode: 0 });
  return found;
}

function absent(instanceId: string, status: InstanceStatus) {
  const endpoints = [{ address: '127.0.0.1:1', security: Security.SECURITY_PLAINTEXT }];
  return Instance.fromPartial({ instanceId, services: ['a.v1.A'], endpoints, status });
}

describe('rondo doctor', () => {
  it('finds no fault in a healthy system, and says so to people too', async () => {
    expect(await findings()).toEqual([
      { name: 'registry', state: 'ok', detail: `answers at ${registry.address}` },
      { name: 'instances', state: 'ok', detail: '1 of 1 are SERVING' },
      { name: 'health', state: 'ok', detail: 'each instance says that it is ready' },
      { name: 'clock', state: 'ok', detail: expect.stringMatching(/Z; the registry's is within [\d.]+ m?s$/) },
    ]);
    const { exitCode, stdout } = await rondo(['doctor', '--registry', registry.address]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ok {4}registry {8}answers at .*\n(ok .*\n){3}\nNothing fails\.\n$/);
  });

  it('names the instances that are not called, and those whose health service reports a fault', async () => {
    registry.put(absent('starting-1', InstanceStatus.INSTANCE_STATUS_STARTING));
    const [, instances, health] = await findings();
    expect(instances).toEqual({
      name: 'instances',
      state: 'warn',
      detail: '1 of 2 are SERVING; starting-1 is STARTING, and not called',
      remedy: 'see the log of starting-1; in containers: docker compose logs',
    });
    expect(health).toMatchObject({
      state: 'fail',
      detail: expect.stringMatching(
        /^starting-1 at 127\.0\.0\.1:1 can't be reached from here \(connect ECONNREFUSED 127\.0\.0\.1:1\)$/,
      ),
    });
  });

  it('names the services that only cordoned instances serve', async () => {
    const held = registry.instance('adder-1');
    if (held === undefined) throw new Error('adder-1 is gone');
    registry.mark('adder-1', 'a new disk');
    registry.put(held);
    const named = (all: readonly { readonly name: string }[]) => all.find(({ name }) => name === 'instances');
    const remedy = './rondo uncordon adder-1';
    const detail = `only cordoned instances serve ${held.services.join(', ')}`;
    expect(named(await findings())).toEqual({ name: 'instances', state: 'fail', detail, remedy });
    registry.put({ ...held, instanceId: 'adder-2' });
    expect(named(await findings())).toMatchObject({ state: 'warn', remedy });
  });

  it('finds no fault in a server without a health service, and names it', async () => {
    const plain = await serve(createRouter({ services: [] }), { listen: '127.0.0.1:0' });
    registry.put(instanceAt(plain.address, 'foreign-1', ['a.v1.A']));
    const health = (await findings()).find(({ name }: { name: string }) => name === 'health');
    await plain.drain(0);
    expect(health).toMatchObject({
      state: 'ok',
      detail: 'each says that it is ready, but foreign-1, which has no health service',
    });
  });

  it('names the ids that two processes claim, the address of each, and the remedy', async () => {
    const address = '10.0.0.7:50051';
    const held = registry.instance('adder-1');
    if (held === undefined) throw new Error('adder-1 is gone');
    registry.put({ ...held, lastRefused: { incarnation: 5n, address, refuseTime: new Date() } });
    const [, , ids] = await findings();
    const holder = held.endpoints[0]?.address;
    expect(ids).toEqual({
      name: 'instance ids',
      state: 'warn',
      detail: `two processes have one id: adder-1 is ${holder}, and the process at ${address} is refused, and not called`,
      remedy: 'give each process its own RONDO_INSTANCE_ID, or stop one of them',
    });
  });

  it('names the feeds that a cache is refused, and why', async () => {
    const unfed = await startUnfed('unfed-1', registry.address);
    try {
      await registry.until('unfed-1', 'INSTANCE_STATUS_SERVING');
      while (!(await unfed.read())[0]?.fault?.includes('not for you'))
        await new Promise((done) => setTimeout(done, 20));
      expect((await findings()).find(({ name }: { name: string }) => name === 'caches')).toEqual({
        name: 'caches',
        state: 'warn',
        detail: expect.stringMatching(
          /^answers are not kept: unfed-1 doesn't follow rondo\.conformance\.v1\.CachedService\/WatchEntries: .*not for you/,
        ),
        remedy: "see the log of unfed-1; in containers: docker compose logs; see Rondo's docs/guides/caching.md",
      });
    } finally {
      await unfed.drain();
    }
  });

  it('names the live settings that have no effect, as a process lacks the plugin that they need', async () => {
    const stats = standIn(CallStatsServiceDefinition, {
      getCallStats: () => ({ ignoredSettings: ['breaker of a.v1.A', 'balancing of a.v1.A, ring_hash'] }),
    });
    const server = await serve(createRouter({ services: [stats] }), { listen: '127.0.0.1:0' });
    registry.put(instanceAt(server.address, 'caller-1', ['a.v1.Caller']));
    const found = await findings();
    await server.drain(0);
    expect(found.find(({ name }: { name: string }) => name === 'settings')).toEqual({
      name: 'settings',
      state: 'warn',
      detail:
        'settings have no effect without the plugin @rondo/balancing: caller-1: breaker of a.v1.A; caller-1: balancing of a.v1.A, ring_hash',
      remedy: 'rondo add balancing, or rondo config unset',
    });
  });

  it('names the groups of subscribers whose method no instance serves', async () => {
    const groups = [AdderServiceDefinition.fullName, 'a.v1.A', 'a.v1.Gone'].map((service, index) => ({
      name: `p.v1.Moved:${index}`,
      method: `${service}/Take`,
    }));
    const topics = standIn(EventServiceDefinition, { listGroups: () => ({ groups }) });
    const server = await serve(createRouter({ services: [topics] }), { listen: '127.0.0.1:0' });
    registry.put(instanceAt(server.address, 'publisher-1', [EventServiceDefinition.fullName]));
    registry.put(absent('starting-1', InstanceStatus.INSTANCE_STATUS_STARTING)); // has a.v1.A
    const found = await findings();
    await server.drain(0);
    expect(found.find(({ name }: { name: string }) => name === 'events')).toEqual({
      name: 'events',
      state: 'warn',
      detail: 'no instance takes the events of p.v1.Moved:1 (a.v1.A/Take), p.v1.Moved:2 (a.v1.Gone/Take)',
      remedy: 'start its service, or rondo events remove-group',
    });
  });

  it('names the workflows with runs that wait for an operator', async () => {
    const run = { name: 'operations/s.v1.S/1', method: 's.v1.S/Ship', error: 'no stock' };
    const listRuns = ({ state }: { readonly state: RunState }) =>
      state === RunState.RUN_STATE_BLOCKED ? { runs: [{ ...run, state }] } : {};
    const workflows = standIn(RunServiceDefinition, { listRuns });
    const server = await serve(createRouter({ services: [workflows] }), { listen: '127.0.0.1:0' });
    registry.put(instanceAt(server.address, 'shop-1', [RunServiceDefinition.fullName]));
    const found = await findings();
    await server.drain(0);
    expect(found.find(({ name }: { name: string }) => name === 'workflows')).toEqual({
      name: 'workflows',
      state: 'fail',
      detail: 's.v1.S/Ship: 1 run waits for an operator, such as operations/s.v1.S/1: no stock',
      remedy: 'remove the cause, then rondo runs retry operations/s.v1.S/1, or rondo runs cancel operations/s.v1.S/1',
    });
  });

  it('says that a registry that has just started may not know all instances', async () => {
    registry.setWarming(true);
    expect((await findings())[0]).toMatchObject({
      state: 'note',
      detail: expect.stringContaining('just started empty'),
    });
  });

  it('finds a clock that differs', async () => {
    registry.setSkew(-30_000);
    // The precision depends on how fast the registry answers.
    expect((await findings()).at(-1)).toMatchObject({
      name: 'clock',
      state: 'warn',
      detail: expect.stringMatching(/^the registry's is (2\d|3\d)\.\d s behind/),
      remedy: expect.stringContaining('NTP'),
    });
  });

  it('finds that no instance is registered', async () => {
    registry.remove('adder-1');
    expect((await findings())[1]).toMatchObject({
      state: 'warn',
      detail: 'none is registered: no service can be called',
    });
  });

  it('asks the registry after the checks of the clone, which block this process, and names the logs of instances', async () => {
    const checks = {
      runningSystem: async () => ({ registry: registry.address, instances: ['adder-1'] }),
      async *examineRepository() {
        // This takes longer than the timeout of a connection.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
        yield { name: 'slow', state: 'ok' as const, detail: 'done' };
      },
      staleBuild: async () => undefined,
    };
    registry.put(absent('starting-1', InstanceStatus.INSTANCE_STATUS_STARTING));
    const { stdout, stderr } = await rondo(['doctor', '--data', '/elsewhere', '--json'], { doctor: checks });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout).findings).toMatchObject([
      { name: 'slow' },
      { name: 'registry', state: 'ok' },
      { name: 'instances', remedy: './rondo logs starting-1 --data /elsewhere' },
      { name: 'health', state: 'fail' },
      { name: 'clock' },
    ]);
  });

  it('names processes that run, and are not registered', async () => {
    const checks = {
      runningSystem: async () => ({ registry: registry.address, instances: ['adder-1', 'adder-2'] }),
      async *examineRepository() {},
      staleBuild: async () => undefined,
    };
    const { stdout, exitCode } = await rondo(['doctor', '--json'], { doctor: checks });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).findings[1]).toEqual({
      name: 'instances',
      state: 'fail',
      detail: expect.stringMatching(/^not registered, although their processes run: adder-2;/),
      remedy: './rondo logs adder-2; ./rondo restart adder-2 replaces one that stands still',
    });
  });

  it('refuses an invalid address of the registry before the first check', async () => {
    expect(await rondo(['doctor', '--registry', 'nowhere'])).toMatchObject({ exitCode: 2, stdout: '' });
  });

  it('reports a fault in an image if no system runs, as an image is a part of one', async () => {
    const { stdout } = await rondo(['doctor', '--json']);
    // A system may run at the default port of this machine, so only the wording is checked.
    expect(stdout).not.toContain('no system runs');
  });

  it('fails if the named registry can not be reached, and says what to do', async () => {
    const [first, ...rest] = await findings('127.0.0.1:1');
    expect(first).toEqual({
      name: 'registry',
      state: 'fail',
      detail: expect.stringMatching(/^the registry at 127\.0\.0\.1:1 can't be reached \(.*ECONNREFUSED.*\)$/),
      remedy: 'start it (npm start), or say where it is with --registry or RONDO_REGISTRY',
    });
    expect(rest).toMatchObject([{ name: 'clock', state: 'ok' }]);
    const { stdout } = await rondo(['doctor', '--registry', '127.0.0.1:1']);
    expect(stdout).toMatch(/^FAIL {2}registry .*\n {6}→ start it/);
    expect(stdout).toMatch(/\n1 of 2 fail\.\n$/);
  });
});
