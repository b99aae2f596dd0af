/**
 * A stolen certificate of a service at a registry with TLS: it can do what its service does, and nothing to others. The control
 * is the same registry without TLS, where the same attempts succeed.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InstanceStatus, OperatorState, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock, systemWallClock } from '@rondo/rpc/clock';
import { openMutualTls, readTlsSettings } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import {
  type CertificateFolder,
  certify,
  createFolder,
  newAuthority,
} from '../../../packages/rpc/test/support/identities.js';
import { type RegistryProcess, startRegistryProcess } from './attacks/registry-process.js';

const SALES = 'sales.v1.OrderService';
const SECRET = Buffer.alloc(32, 7);

interface Registry {
  readonly registry: Client<typeof RegistryServiceDefinition>;
  readonly settings: Client<typeof SettingsServiceDefinition>;
}

const instanceOf = (instanceId: string, services: readonly string[], incarnation = 2n) => ({
  instanceId,
  incarnation,
  endpoints: [{ address: '127.0.0.1:9', protocols: [1], security: 1 }],
  services: [...services],
  status: InstanceStatus.INSTANCE_STATUS_SERVING,
});
const registering = (...options: Parameters<typeof instanceOf>) => ({
  instance: instanceOf(...options),
  ttl: { seconds: 600n, nanos: 0 },
});
const setting = (service: string, version = 1n) => ({
  service,
  key: 'log_level',
  value: 'trace',
  version,
  author: 'eve',
});
const cordoned = (state: OperatorState) => ({ instanceId: 'sales-1', state, reason: 'eve' });

/** What a process of the service `mallory` tries. Each must change nothing. */
const ATTEMPTS: Readonly<Record<string, (target: Registry) => Promise<unknown>>> = {
  'to register as another service': ({ registry }) => registry.register(registering('m-1', [SALES])),
  'to register another service beside its own': ({ registry }) =>
    registry.register(registering('m-2', ['mallory.v1.M', SALES])),
  'to register a package of another service': ({ registry }) => registry.register(registering('m-3', ['sales.v2.New'])),
  'to register the registry': ({ registry }) =>
    registry.register(registering('m-4', [RegistryServiceDefinition.fullName])),
  "to move another's endpoints": ({ registry }) => registry.register(registering('sales-1', [SALES])),
  'a later incarnation under its own service': ({ registry }) =>
    registry.register(registering('sales-1', ['mallory.v1.M'], 9n)),
  "the same incarnation, with the victim's secret": ({ registry }) =>
    registry.register({ ...registering('sales-1', ['mallory.v1.M'], 1n), secret: SECRET }),
  'to cordon': ({ registry }) => registry.setOperatorState(cordoned(OperatorState.OPERATOR_STATE_CORDONED)),
  'to uncordon': ({ registry }) => registry.setOperatorState(cordoned(OperatorState.OPERATOR_STATE_NONE)),
  'to set a setting': ({ settings }) => settings.updateSetting({ setting: setting(SALES) }),
  'to set a setting of all services': ({ settings }) => settings.updateSetting({ setting: setting('*') }),
  'to set a setting of its own': ({ settings }) => settings.updateSetting({ setting: setting('mallory.v1.M') }),
  'to unset a setting': ({ settings }) => settings.deleteSetting(setting(SALES)),
};

/** Those whose answer is OK, because honest processes make such calls, and that change nothing. */
const IGNORED: typeof ATTEMPTS = {
  'to restore a setting of another service': ({ settings }) => settings.restoreSettings({ settings: [setting(SALES)] }),
  'to restore a setting of all services': ({ settings }) => settings.restoreSettings({ settings: [setting('*')] }),
  'to restore its own setting for ever': ({ settings }) =>
    settings.restoreSettings({ settings: [setting('mallory.v1.M', 2n ** 53n - 1n)] }),
};

let own: Awaited<ReturnType<typeof newAuthority>>;
const folders: CertificateFolder[] = [];
const closers: (() => unknown)[] = [];
beforeAll(async () => {
  own = await newAuthority();
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
  for (const folder of folders) folder.remove();
});

async function folderOf(name: string): Promise<CertificateFolder> {
  const folder = createFolder();
  folders.push(folder);
  folder.write({ ...(await certify(own, name)), ca: own.cert });
  return folder;
}

async function connect(address: string, name: string | undefined): Promise<Registry> {
  const settings = name === undefined ? {} : { RONDO_TLS: 'on', RONDO_TLS_DIR: (await folderOf(name)).path };
  const mutualTls = openMutualTls(readTlsSettings(settings), {
    usage: 'process',
    descriptorSet: undefined,
    clock: systemClock,
    wallClock: systemWallClock,
  });
  const channel = createChannel({ resolver: staticResolver([address]), mutualTls });
  closers.push(() => channel.close());
  return {
    registry: createClient(RegistryServiceDefinition, { channel }),
    settings: createClient(SettingsServiceDefinition, { channel }),
  };
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    return error instanceof RpcError ? error.codeName : String(error);
  }
}

/** A registry with one instance of `sales`, which renews while others attack. */
async function start(environment: Readonly<Record<string, string>>, secure: boolean) {
  const process = await startRegistryProcess({ RONDO_REGISTRY_WARMING_MS: '0', ...environment });
  closers.push(() => process.close());
  const victim = await connect(process.address, secure ? 'sales' : undefined);
  const mallory = await connect(process.address, secure ? 'mallory' : undefined);
  const registered = await victim.registry.register({ ...registering('sales-1', [SALES], 1n), secret: SECRET });
  const state = async () => {
    await victim.registry.renew({ leaseId: registered.leaseId, instanceId: 'sales-1' });
    const { instances } = await victim.registry.listInstances({});
    const { settings } = await victim.settings.listSettings({});
    return {
      instances: instances.map(({ instanceId, incarnation, operatorState }) => [
        instanceId,
        incarnation,
        operatorState,
      ]),
      settings,
    };
  };
  return { process, mallory, state };
}

describe('a stolen certificate of a service', () => {
  let process: RegistryProcess;
  let mallory: Registry;
  let state: Awaited<ReturnType<typeof start>>['state'];
  let before: unknown;
  beforeAll(async () => {
    const folder = await folderOf('registry');
    ({ process, mallory, state } = await start({ RONDO_TLS: 'on', RONDO_TLS_DIR: folder.path }, true));
    before = await state();
  });

  it.each(Object.entries(ATTEMPTS))('is refused %s', async (_what, attempt) => {
    expect(await codeOf(attempt(mallory))).toBe('PERMISSION_DENIED');
    expect(await state()).toEqual(before);
  });

  it.each(Object.entries(IGNORED))('tries in vain %s', async (_what, attempt) => {
    await attempt(mallory);
    expect(await state()).toEqual(before);
  });

  it('registers its own service, and leaves lines in the log', async () => {
    expect(await codeOf(mallory.registry.register(registering('mallory-1', ['mallory.v1.M'])))).toBe('OK');
    const output = process.output();
    expect(output).toContain('a registration was refused');
    expect(output).toContain("settings weren't restored");
  });
});

it('without TLS, what a certificate forbids is open to every process that reaches the registry', async () => {
  const { mallory, state } = await start({}, false);
  const codes: Record<string, string> = {};
  for (const [what, attempt] of Object.entries({ ...ATTEMPTS, ...IGNORED }))
    codes[what] = await codeOf(attempt(mallory));
  expect(codes).toMatchObject({
    'to register as another service': 'OK',
    "to move another's endpoints": 'OK',
    'to cordon': 'OK',
    'to set a setting': 'OK',
    'to restore a setting of all services': 'OK',
  });
  await expect(state()).rejects.toThrow();
});
