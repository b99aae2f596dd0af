import { afterEach, describe, expect, it } from '@jest/globals';
import { OperatorState, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { callerIdentity, callPrincipal, type Logger, silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { createTestChannel, failureOf } from '@rondo/rpc/testing';
import { SALES, SECRET, sales, start, stopAll } from './started-registry.js';

afterEach(stopAll);

/** A registry as a process with this SPIFFE id calls it; empty for a process without a certificate. */
function startAs(
  first: string,
  config: Parameters<typeof start>[0] = {},
  mayServe = (caller: string, service: string) => caller.endsWith(`/${service.split('.')[0]}`),
) {
  let identity = first;
  let scopes: readonly string[] | undefined;
  const lines: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_fields, message) => void lines.push(message), child: () => log };
  const { app, clock, registry: anyone } = start(config, log, mayServe);
  const channel = createTestChannel({
    services: app.services,
    clock,
    middleware: [
      (call, next) => {
        call.values.set(callerIdentity, identity);
        if (scopes) call.values.set(callPrincipal, { subject: 'ada', issuer: 'test', actors: [], scopes });
        return next(call);
      },
    ],
  });
  const settings = createClient(SettingsServiceDefinition, { channel });
  const become = (other: string, on?: readonly string[]) => {
    identity = other;
    scopes = on;
  };
  return { registry: createClient(RegistryServiceDefinition, { channel }), settings, anyone, clock, lines, become };
}

const register = { instance: sales(), ttl: { seconds: 10n, nanos: 0 }, secret: SECRET };

it.each([
  ['its own service', 'spiffe://rondo.test/sales'],
  ['without a certificate any service', ''],
])('a process registers %s', async (_what, identity) => {
  const { registry, lines } = startAs(identity);
  await expect(registry.register(register)).resolves.toMatchObject({ leaseId: expect.anything() });
  expect(lines).toEqual([]);
});

describe('an instance id', () => {
  const OTHERS = ['projects.v1.ProjectService'];
  const idsOf = async ({ registry }: ReturnType<typeof startAs>) =>
    (await registry.listInstances({})).instances.map(({ instanceId, services }) => [instanceId, services[0]]);

  it('that another service took while it was free keeps its own process out for no moment', async () => {
    const setup = startAs('spiffe://rondo.test/projects');
    const squat = { ...register, instance: sales({ services: OTHERS }) };
    const { leaseId } = await setup.registry.register(squat);
    const seen = setup.registry.watch({})[Symbol.asyncIterator]();
    expect((await seen.next()).value?.event).toMatchObject({
      value: { instances: [{ instanceId: 'sales-1@projects' }] },
    });
    setup.become('spiffe://rondo.test/sales');
    const own = await setup.registry.register(register);
    await setup.clock.advance(1_000);
    expect((await seen.next()).value?.event).toMatchObject({ value: { upserts: [{ instanceId: 'sales-1' }] } });
    expect(await idsOf(setup)).toEqual([
      ['sales-1', SALES],
      ['sales-1@projects', OTHERS[0]],
    ]);
    setup.become('spiffe://rondo.test/person/jo');
    const state = OperatorState.OPERATOR_STATE_CORDONED;
    await setup.registry.setOperatorState({ instanceId: 'sales-1', state, reason: '' });
    setup.become('spiffe://rondo.test/projects');
    await setup.registry.renew({ leaseId, instanceId: 'sales-1' });
    const weighed = { leaseId, instanceId: 'sales-1', weight: 5, updateMask: ['weight'] };
    expect((await setup.registry.update(weighed)).instance).toMatchObject({
      instanceId: 'sales-1@projects',
      operatorState: OperatorState.OPERATOR_STATE_NONE,
    });
    expect(await failureOf(setup.registry.renew({ ...own, instanceId: 'sales-1' }))).toMatchObject({
      code: Status.NOT_FOUND,
    });
    await setup.registry.deregister({ leaseId, instanceId: 'sales-1' });
    expect(await idsOf(setup)).toEqual([['sales-1', SALES]]);
    await seen.return?.();
  });

  it.each([
    ['spiffe://rondo.test/sales', 'sales-7f3a', 'sales-7f3a'],
    ['spiffe://rondo.test/sales', 'sales', 'sales'],
    ['spiffe://rondo.test/sales', 'sales-7f3a-x9', 'sales-7f3a-x9@sales'],
    ['spiffe://rondo.test/sales', 'blue', 'blue@sales'],
    ['spiffe://rondo.test/sales', 'blue@sales', 'blue@sales'],
    ['spiffe://rondo.test/sales-eu', 'sales-eu-1', 'sales-eu-1'],
    ['spiffe://rondo.test/sales-eu', 'sales-eu', 'sales-eu@sales-eu'],
    ['spiffe://rondo.test/sales/eu', 'sales-1', 'sales-1@sales/eu'],
    ['', 'blue', 'blue'],
    ['', 'blue@sales', 'blue@sales'],
  ])('of a process with the identity "%s" that calls itself %s is %s', async (identity, instanceId, registered) => {
    const { registry } = startAs(identity, {}, () => true);
    const { leaseId } = await registry.register({ ...register, instance: sales({ instanceId }) });
    await registry.renew({ leaseId, instanceId });
    const { instances } = await registry.listInstances({});
    expect(instances).toMatchObject([{ instanceId: registered }]);
  });

  it.each(['sales-1@sales', `${'x'.repeat(120)}`])(
    'with the name behind it has to be valid: %s',
    async (instanceId) => {
      const { registry } = startAs('spiffe://rondo.test/projects', {}, () => true);
      expect(await failureOf(registry.register({ ...register, instance: sales({ instanceId }) }))).toMatchObject({
        code: Status.INVALID_ARGUMENT,
        message: expect.stringContaining('instance.instance_id'),
      });
    },
  );

  it('of a process with a certificate is not for one without', async () => {
    const { registry, anyone } = startAs('spiffe://rondo.test/sales');
    await registry.register(register);
    const later = { ...register, instance: sales({ incarnation: 9n }) };
    expect(await failureOf(anyone.register(later))).toMatchObject({
      code: Status.PERMISSION_DENIED,
      message: expect.stringContaining('is held by spiffe://rondo.test/sales'),
    });
  });
});

it.each([
  ['a person', 'spiffe://rondo.test/person/jo', true],
  ['an operator', 'spiffe://rondo.test/operator/deploy', true],
  ['the gateway by itself', 'spiffe://rondo.test/gateway', false],
  ['a service', 'spiffe://rondo.test/sales', false],
  ['a service with a misleading name', 'spiffe://rondo.test/sales/person/jo', false],
])('%s cordons an instance: %s, %s', async (_who, identity, allowed) => {
  const { registry, anyone } = startAs(identity);
  await anyone.register(register);
  const cordon = registry.setOperatorState({
    instanceId: 'sales-1',
    state: OperatorState.OPERATOR_STATE_CORDONED,
    reason: '',
  });
  if (allowed) await expect(cordon).resolves.toBeDefined();
  else expect(await failureOf(cordon)).toMatchObject({ code: Status.PERMISSION_DENIED });
});

it.each([
  ['gateway', 'rondo.operator', true],
  ['gateway', 'sales.read', false],
  ['sales', 'rondo.operator', false],
  ['sales/gateway', 'rondo.operator', false],
])('%s cordons an instance on behalf of a person with the scope %s: %s', async (name, scope, allowed) => {
  const { registry, become } = startAs('');
  await registry.register(register);
  become(`spiffe://rondo.test/${name}`, [scope]);
  const state = OperatorState.OPERATOR_STATE_CORDONED;
  const cordon = registry.setOperatorState({ instanceId: 'sales-1', state, reason: '' });
  if (allowed) await expect(cordon).resolves.toBeDefined();
  else expect(await failureOf(cordon)).toMatchObject({ code: Status.PERMISSION_DENIED });
});

describe('a service with a certificate restores', () => {
  const setting = (service: string, version = 1n) => ({
    service,
    key: 'log_level',
    value: 'trace',
    version,
    author: '',
  });
  const restore = async ({ settings }: ReturnType<typeof startAs>, ...given: ReturnType<typeof setting>[]) => {
    await settings.restoreSettings({ settings: given });
    return (await settings.listSettings({})).settings.map(({ service }) => service);
  };
  const LEFT_OUT = expect.stringContaining("settings weren't restored");

  it('the settings of its own services, and no others', async () => {
    const setup = startAs('spiffe://rondo.test/sales');
    expect(await restore(setup, setting(SALES), setting('projects.v1.ProjectService'), setting('*'))).toEqual([SALES]);
    expect(setup.lines).toEqual([LEFT_OUT]);
  });

  it('those of others while the registry is new and lacks them', async () => {
    const setup = startAs('spiffe://rondo.test/sales', { warmingMs: 10_000 });
    expect(await restore(setup, setting('*'))).toEqual(['*']);
    await setup.settings.restoreSettings({ settings: [{ ...setting('*', 2n), value: 'fatal' }] });
    expect((await setup.settings.listSettings({})).settings).toMatchObject([{ value: 'trace' }]);
    await setup.clock.advance(10_000);
    expect(await restore(setup, setting('projects.v1.ProjectService'))).toEqual(['*']);
    expect(setup.lines).toEqual([LEFT_OUT, LEFT_OUT]);
  });

  it('all as a person', async () => {
    const setup = startAs('spiffe://rondo.test/person/jo');
    expect(await restore(setup, setting('*'), setting(SALES))).toEqual(['*', SALES]);
    expect(setup.lines).toEqual([]);
  });
});

it('the processes of one identity have at most half of the watches open', async () => {
  const { registry, anyone } = startAs('spiffe://rondo.test/mallory', { watches: 8 });
  const watch = (client: typeof registry) => client.watch({})[Symbol.asyncIterator]();
  const own = Array.from({ length: 4 }, () => watch(registry));
  for (const one of own) await one.next();
  expect(await failureOf(watch(registry).next())).toMatchObject({
    code: Status.RESOURCE_EXHAUSTED,
    message: expect.stringContaining('4 watches of spiffe://rondo.test/mallory'),
  });
  const others = [watch(anyone), watch(anyone)];
  for (const one of others) await one.next();
  await own[0]?.return?.();
  for (const one of others) await one.return?.();
  await watch(registry).next();
});
