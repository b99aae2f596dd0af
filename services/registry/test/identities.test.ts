import { afterEach, describe, expect, it } from '@jest/globals';
import { OperatorState, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { callerIdentity, type Logger, silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { createTestChannel, failureOf } from '@rondo/rpc/testing';
import { SALES, SECRET, sales, start, stopAll } from './started-registry.js';

afterEach(stopAll);

/** A registry as a process with this SPIFFE id calls it; empty for a process without a certificate. */
function startAs(identity: string, config: Parameters<typeof start>[0] = {}) {
  const lines: string[] = [];
  const log: Logger = { ...silentLogger, warn: (_fields, message) => void lines.push(message), child: () => log };
  const mayServe = (caller: string, service: string) => caller.endsWith(`/${service.split('.')[0]}`);
  const { app, clock, registry: anyone } = start(config, log, mayServe);
  const channel = createTestChannel({
    services: app.services,
    clock,
    middleware: [
      (call, next) => {
        call.values.set(callerIdentity, identity);
        return next(call);
      },
    ],
  });
  const settings = createClient(SettingsServiceDefinition, { channel });
  return { registry: createClient(RegistryServiceDefinition, { channel }), settings, anyone, clock, lines };
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

it('a process does not register a service that its certificate may not serve', async () => {
  const { registry, lines } = startAs('spiffe://rondo.test/projects');
  expect(await failureOf(registry.register(register))).toMatchObject({
    code: Status.PERMISSION_DENIED,
    message: expect.stringContaining(`spiffe://rondo.test/projects may not serve ${SALES}`),
  });
  expect(lines).toEqual([expect.stringContaining('the certificate of its process is not for the services')]);
  const { instances } = await registry.listInstances({});
  expect(instances).toEqual([]);
});

it.each([
  ['a person', 'spiffe://rondo.test/person/jo', true],
  ['an operator', 'spiffe://rondo.test/operator/deploy', true],
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

  it('none with a version that would outlast the changes of operators', async () => {
    const setup = startAs('spiffe://rondo.test/sales', { warmingMs: 10_000 });
    expect(await restore(setup, setting(SALES, 2n ** 52n))).toEqual([]);
  });

  it('all as a person', async () => {
    const setup = startAs('spiffe://rondo.test/person/jo');
    expect(await restore(setup, setting('*'), setting(SALES))).toEqual(['*', SALES]);
    expect(setup.lines).toEqual([]);
  });
});

it('the processes of one identity have at most half of the watches open', async () => {
  const { registry, anyone } = startAs('spiffe://rondo.test/mallory', { maxWatches: 4 });
  const watch = (client: typeof registry) => client.watch({})[Symbol.asyncIterator]();
  const own = [watch(registry), watch(registry)];
  for (const one of own) await one.next();
  expect(await failureOf(watch(registry).next())).toMatchObject({
    code: Status.RESOURCE_EXHAUSTED,
    message: expect.stringContaining('2 watches of spiffe://rondo.test/mallory'),
  });
  const others = [watch(anyone), watch(anyone)];
  for (const one of others) await one.next();
  await own[0]?.return?.();
  for (const one of others) await one.return?.();
  await watch(registry).next();
});
