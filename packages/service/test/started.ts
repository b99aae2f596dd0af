/** Processes that a test starts: adders, and fakes of the registry. {@link closeAll} ends them. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { type Channel, createChannel, createClient, fixedEndpoint, staticResolver } from '@rondo/rpc/client';
import { type Handlers, implement } from '@rondo/rpc/server';
import { type App, type ServiceContext, startService } from '../src/exports/index.js';
import type { StartOptions } from '../src/lifecycle/start.js';
import { createFakeRegistry } from './fake-registry.js';
import { recordingLogger } from './recording-logger.js';

const closers: (() => unknown)[] = [];

/** Runs `close` after the test. */
export function cleanUp(close: () => unknown): void {
  closers.push(close);
}

/** Closes what the test opened, the latest first. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

/** Nothing listens there: a service starts without a registry. */
export const NO_REGISTRY = '127.0.0.1:1';
/** The name of the adder. */
export const ADDER = AdderServiceDefinition.fullName;

/** An adder; by default it adds. */
const adder = (add: Handlers<typeof AdderServiceDefinition>['add'] = ({ a, b }) => ({ result: a + b })) =>
  implement(AdderServiceDefinition, { add });

interface Setting
  extends Partial<Pick<StartOptions<Record<never, never>>, 'handoverMs' | 'maxReplyBytes' | 'onPrepared' | 'plugins'>> {
  readonly environment?: Readonly<Record<string, string>>;
  readonly app?: Partial<App>;
  readonly add?: Handlers<typeof AdderServiceDefinition>['add'];
  /** Gets what the app gets. */
  readonly onContext?: (context: ServiceContext) => void;
}

/** Begins to start an adder `adder-1` on a free port, without a registry and without a wait for watchers. */
export function starting({ environment, app, add, onContext, ...options }: Setting = {}) {
  const { log, lines } = recordingLogger();
  const started = startService({
    name: 'adder',
    port: 0,
    environment: {
      RONDO_REGISTRY: NO_REGISTRY,
      RONDO_INSTANCE_ID: 'adder-1',
      RONDO_DRAIN_WAIT_MS: '0',
      RONDO_DRAIN_GRACE_MS: '200',
      ...environment,
    },
    log,
    createApp: (context) => {
      onContext?.(context);
      return { services: [adder(add)], ...app };
    },
    ...options,
  }).then((service) => {
    cleanUp(() => service.drain());
    return service;
  });
  return { started, lines };
}

/** Starts an adder. `channel` leads to it, and `outgoing` is that of its own calls. */
export async function start(setting: Setting = {}) {
  const outgoing: Channel[] = [];
  const { started, lines } = starting({ ...setting, onContext: ({ channel }) => outgoing.push(channel) });
  const service = await started;
  const [own] = outgoing;
  if (own === undefined) throw new Error('the app was not made');
  const channel = dial(service.address);
  return { service, lines, channel, client: createClient(AdderServiceDefinition, { channel }), outgoing: own };
}

/** A channel to one address. */
export function dial(address: string, options: Parameters<typeof staticResolver>[1] = {}): Channel {
  // Not the one second of a client, which has other instances: a busy machine takes longer.
  const channel = createChannel({ resolver: staticResolver([address], options), connectTimeoutMs: 60_000 });
  cleanUp(() => channel.close());
  return channel;
}

/** Starts a registry that records its requests; `transport` is what it takes. */
export async function startFakeRegistry(port = 0, transport = 'frames') {
  const { fake, services } = createFakeRegistry();
  const { log } = recordingLogger();
  const environment = { RONDO_LISTEN: `127.0.0.1:${port}`, RONDO_TRANSPORT: transport };
  const createApp = () => ({ services });
  const service = await startService({ name: 'registry', port, register: false, environment, log, createApp });
  cleanUp(() => service.drain());
  return { fake, address: service.address };
}

/** An empty folder. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rondo-service-'));
  cleanUp(() => rm(folder, { recursive: true }));
  return folder;
}

/** A folder with an earlier process's cache: the adder `one` is at `address`. */
export async function cacheOf(address: string): Promise<string> {
  const folder = await newFolder();
  const { state: standing, ...one } = fixedEndpoint(address, { instanceId: 'one' });
  const about = { format: 'rondo-last-known', version: 2, service: ADDER, savedAt: '2026-01-01T00:00:00Z' };
  const file = { ...about, registry: [NO_REGISTRY], endpoints: [{ ...one, standing }] };
  await writeFile(join(folder, `${ADDER}.json`), JSON.stringify(file));
  return folder;
}
