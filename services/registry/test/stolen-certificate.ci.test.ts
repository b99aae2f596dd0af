/**
 * A stolen certificate of a service at a registry with TLS: it can do what its service does, and nothing to others. The control
 * is the same registry without TLS, where the same attempts succeed.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InstanceStatus, OperatorState, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { configuredMutualTls } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import {
  type CertificateFolder,
  certify,
  createFolder,
  newAuthority,
} from '../../../packages/rpc/test/support/identities.js';
import { patientClock } from '../../../packages/rpc/test/support/patient-clock.js';
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

/** What a process tries, a part of the line that this leaves in the log, and the process's name if it isn't `mallory`. */
interface Refused {
  readonly attempt: (target: Registry) => Promise<unknown>;
  readonly line: string;
  readonly name?: string;
}

const LINE = { services: 'the certificate of its process is not for the services that it lists' } as const;

const registers = (request: ReturnType<typeof registering> & { readonly secret?: Buffer }, line: string): Refused => ({
  attempt: ({ registry }) => registry.register(request),
  line,
});

/** By a process of its own, as a log has one line a minute for each. */
const operates = (name: string, attempt: Refused['attempt']): Refused => ({
  attempt,
  line: `spiffe://rondo.test/${name} may not`,
  name,
});

/** What a process of the service `mallory` tries. Each must change nothing. */
const ATTEMPTS: Readonly<Record<string, Refused>> = {
  'to register as another service': registers(registering('m-1', [SALES]), LINE.services),
  'to register another service besides its own': registers(registering('m-2', ['mallory.v1.M', SALES]), LINE.services),
  'to register a package of another service': registers(registering('m-3', ['sales.v2.New']), LINE.services),
  'to register the registry': registers(registering('m-4', [RegistryServiceDefinition.fullName]), LINE.services),
  "to move another's endpoints": registers(registering('sales-1', [SALES]), LINE.services),
  'to cordon': operates('eve-1', ({ registry }) =>
    registry.setOperatorState(cordoned(OperatorState.OPERATOR_STATE_CORDONED)),
  ),
  'to uncordon': operates('eve-2', ({ registry }) =>
    registry.setOperatorState(cordoned(OperatorState.OPERATOR_STATE_NONE)),
  ),
  'to set a setting': operates('eve-3', ({ settings }) => settings.updateSetting({ setting: setting(SALES) })),
  'to set a setting of all services': operates('eve-4', ({ settings }) =>
    settings.updateSetting({ setting: setting('*') }),
  ),
  'to set a setting of its own': operates('eve-5', ({ settings }) =>
    settings.updateSetting({ setting: setting('mallory.v1.M') }),
  ),
  'to unset a setting': operates('eve-6', ({ settings }) => settings.deleteSetting(setting(SALES))),
};

/** Those whose answer is OK, because honest processes make such calls, and that change nothing. */
const IGNORED: Readonly<Record<string, Refused['attempt']>> = {
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

const RONDO_DESCRIPTORS = fileURLToPath(new URL('../../../packages/contracts/descriptors.binpb', import.meta.url));
const variablesOf = ({ path }: CertificateFolder) => ({ RONDO_TLS: 'on', RONDO_TLS_DIR: path, RONDO_DESCRIPTORS });

/** The certificate in a folder, as a process that is no service has it. */
function followed(folder: CertificateFolder) {
  const mutualTls = configuredMutualTls(variablesOf(folder));
  closers.push(() => mutualTls?.identity.close());
  return mutualTls;
}

async function connect(address: string, name: string | undefined): Promise<Registry> {
  const mutualTls = name === undefined ? undefined : followed(await folderOf(name));
  const channel = createChannel({ resolver: staticResolver([address]), mutualTls, clock: patientClock });
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
  const process = await startRegistryProcess({ RONDO_REGISTRY_STORE: 'memory?warming-ms=0', ...environment });
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

/** A registry logs ten refusals a minute, so that two share the attempts: each has every other. */
describe.each([0, 1])('a stolen certificate of a service, at registry %i', (registry) => {
  const attempts = Object.entries(ATTEMPTS).filter((_, index) => index % 2 === registry);
  let process: RegistryProcess;
  let mallory: Registry;
  let state: Awaited<ReturnType<typeof start>>['state'];
  let before: unknown;
  let refused = 0;
  beforeAll(async () => {
    ({ process, mallory, state } = await start(variablesOf(await folderOf('registry')), true));
    before = await state();
  });

  it.each(attempts)('is refused %s, with a line in the log', async (_what, { attempt, line, name }) => {
    const caller = name === undefined ? mallory : await connect(process.address, name);
    expect(await codeOf(attempt(caller))).toBe('PERMISSION_DENIED');
    expect(await state()).toEqual(before);
    refused += 1;
    expect(await process.printed(/was refused/, refused)).toContain(line);
  });

  it.each(Object.entries(IGNORED))('tries in vain %s', async (_what, attempt) => {
    await attempt(mallory);
    expect(await state()).toEqual(before);
  });

  it('registers its own service, and what it restores for others leaves a line in the log', async () => {
    expect(await codeOf(mallory.registry.register(registering('mallory-1', ['mallory.v1.M'])))).toBe('OK');
    await process.printed(/settings weren't restored/);
    expect(process.output().match(/was refused/g)).toHaveLength(attempts.length);
  });
});

it('without TLS, what a certificate forbids is open to every process that reaches the registry', async () => {
  const { mallory, state } = await start({}, false);
  const codes: Record<string, string> = {};
  const refused = Object.entries(ATTEMPTS).map(([what, { attempt }]) => [what, attempt] as const);
  for (const [what, attempt] of [...refused, ...Object.entries(IGNORED)]) codes[what] = await codeOf(attempt(mallory));
  expect(codes).toMatchObject({
    'to register as another service': 'OK',
    "to move another's endpoints": 'OK',
    'to cordon': 'OK',
    'to set a setting': 'OK',
    'to restore a setting of all services': 'OK',
  });
  await expect(state()).rejects.toThrow();
});

it('a new certificate is taken from its files, by the registry and by a client', async () => {
  const [folder, client] = [await folderOf('registry'), await folderOf('sales')];
  const { process } = await start(variablesOf(folder), true);
  const taken = new Promise((resolve) => followed(client)?.identity.onChange(resolve));
  folder.write(await certify(own, 'registry'));
  client.write(await certify(own, 'sales'));
  await process.printed(/a new certificate is in use/);
  await taken;
});
