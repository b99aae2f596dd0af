/** An app's and a service's options: balancing, message limits, middleware. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import { ServerReflectionDefinition } from '@rondo/contracts/grpc/reflection/v1/reflection';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { type ServerCall, silentLogger } from '@rondo/rpc/call';
import { type Channel, createChannel, createClient, fixedEndpoint, staticResolver } from '@rondo/rpc/client';
import { sleep, systemClock } from '@rondo/rpc/clock';

import type { Middleware } from '@rondo/rpc/middleware';
import { implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import { type App, type RunningService, type ServiceContext, startService } from '../src/exports/index.js';

const adders = createAdders();

afterEach(() => adders.stop());

it('RONDO_BALANCING balances calls, and metrics report the calls of each instance', async () => {
  const callee = await adders.start();
  const folder = await adders.known(callee.service.address);
  const { service, channel } = await adders.start({
    environment: {
      RONDO_BALANCING: 'rondo.conformance.v1.AdderService=least_request',
      RONDO_METRICS: '127.0.0.1:0',
      RONDO_REGISTRY_CACHE: folder,
    },
  });
  const adder = await callerOf(channel);
  for (let left = 3; left > 0; left -= 1) await adder.add({ a: 2n, b: 3n });
  expect(channel.inspect()[0]?.balancing).toMatchObject({ policy: 'least_request', origin: 'configuration' });
  const text = await (await fetch(`http://${service.metricsAddress}/metrics`)).text();
  const labels = '{grpc_target="rondo.conformance.v1.AdderService",rondo_instance="one"}';
  const lines = [`rondo_balancer_picks_total${labels} 3`, `rondo_balancer_weight_ratio${labels} 1`];
  expect(text.split('\n')).toEqual(expect.arrayContaining(lines));
});

it('a service does not start if RONDO_BALANCING sets a policy that does not suit a called contract', async () => {
  const environment = { RONDO_LISTEN: '127.0.0.1:0', RONDO_LOG_LEVEL: 'error', RONDO_BALANCING: '*=ring_hash' };
  const createApp = ({ channel }: ServiceContext) => {
    createClient(AdderServiceDefinition, { channel });
    return { services: [] };
  };
  const starting = startService({ name: 'caller', port: 0, register: false, environment, createApp });
  const fault =
    /^RONDO_BALANCING: rondo\.conformance\.v1\.AdderService can't be balanced so: ring_hash .*, or choose another policy$/;
  const faults = [expect.stringMatching(fault)];
  await expect(starting).rejects.toMatchObject({ name: 'ConfigurationError', faults });
});

it('a service does not start with an invalid RONDO_BALANCING, and lists every fault', async () => {
  const environment = { RONDO_BALANCING: 'rondo.conformance.v1.AdderService=least,*=random?subset=0' };
  await expect(adders.start({ environment })).rejects.toThrow(
    /RONDO_BALANCING=.* is wrong: rondo\.conformance\.v1\.AdderService: there is no policy "least".*; \*: subset=0 is not from 1/,
  );
});

it.each<[string, AdderOptions]>([
  ['its own limit', { maxReplyBytes: 3 }],
  ['RONDO_MAX_REPLY_BYTES, whatever its own', { maxReplyBytes: 100, environment: { RONDO_MAX_REPLY_BYTES: '3' } }],
])('a service accepts no reply larger than %s', async (_which, { environment, ...setting }) => {
  const callee = await adders.start();
  const folder = await adders.known(callee.service.address);
  const { channel } = await adders.start({
    ...setting,
    environment: { RONDO_REGISTRY_CACHE: folder, ...environment },
  });
  const { add } = await callerOf(channel);
  await expect(add({ a: 2n })).resolves.toEqual({ result: 2n });
  await expect(add({ a: 2n ** 40n })).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
});

it('a service does not start if RONDO_MAX_REPLY_BYTES is no integer', async () => {
  await expect(adders.start({ environment: { RONDO_MAX_REPLY_BYTES: '16MiB' } })).rejects.toThrow(
    'RONDO_MAX_REPLY_BYTES=16MiB is not an integer: give an integer from 1 to 2147483647',
  );
});

const closers: (() => unknown)[] = [];
const services = [implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) })];
const refuse: Middleware<ServerCall> = () => Promise.reject(new RpcError(Status.UNAUTHENTICATED, 'who are you?'));
const refused = { code: Status.UNAUTHENTICATED };

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(app: App) {
  const environment = { RONDO_REGISTRY: NO_REGISTRY, RONDO_DRAIN_WAIT_MS: '0' };
  const options = { name: 'adder', port: 0, environment, log: silentLogger, createApp: () => app };
  const service = await startService(options);
  closers.push(() => service.drain());
  const channel = createChannel({ resolver: staticResolver([service.address]) });
  closers.push(() => channel.close());
  return channel;
}

it("an app's middleware runs around its own methods only; its server middleware runs around all", async () => {
  const reached: string[] = [];
  const note: Middleware<ServerCall> = (call, next) => {
    reached.push(call.method.name);
    return next(call);
  };
  const channel = await start({ services, middleware: [refuse], serverMiddleware: [note] });
  await expect(createClient(AdderServiceDefinition, { channel }).add({})).rejects.toMatchObject(refused);
  await expect(createClient(HealthDefinition, { channel }).check({})).resolves.toBeDefined();
  const { serverReflectionInfo } = createClient(ServerReflectionDefinition, { channel });
  for await (const { messageResponse } of serverReflectionInfo(listServices())) {
    expect(messageResponse?.$case).toBe('listServicesResponse');
  }
  expect(reached).toEqual(['Add', 'Check', 'ServerReflectionInfo']);
});

async function* listServices() {
  yield { messageRequest: { $case: 'listServices' as const, value: '' } };
}

it("an app's middleware also runs over a test channel that gets the whole app", async () => {
  const app: App = { services, middleware: [refuse] };
  const channel = createTestChannel(app);
  closers.push(() => channel.close());
  await expect(createClient(AdderServiceDefinition, { channel }).add({})).rejects.toMatchObject(refused);
});

/** A client of the adder, once the channel knows the cached endpoint. The disk of a busy machine takes its time. */
async function callerOf(channel: Channel) {
  const client = createClient(AdderServiceDefinition, { channel });
  while ((channel.inspect()[0]?.endpoints.length ?? 0) === 0) await sleep(systemClock, 10);
  return client;
}

/** Nothing listens there: a service starts with its cached endpoints. */
const NO_REGISTRY = '127.0.0.1:1';

/** Options of an adder. */
interface AdderOptions {
  readonly maxReplyBytes?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The adders of one test file, and their folders. */
function createAdders() {
  const running: RunningService[] = [];
  const folders: string[] = [];

  return {
    /** Starts an adder without a registry; also returns the channel of its own calls. */
    async start({ environment, ...options }: AdderOptions = {}) {
      const channels: Channel[] = [];
      const service = await startService({
        ...options,
        name: 'adder',
        port: 0,
        environment: { RONDO_REGISTRY: NO_REGISTRY, RONDO_DRAIN_WAIT_MS: '0', ...environment },
        log: silentLogger,
        createApp: ({ channel }) => {
          channels.push(channel);
          return { services: [implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) })] };
        },
      });
      running.push(service);
      const [channel] = channels;
      if (channel === undefined) throw new Error('the app was not made');
      return { service, channel };
    },
    /** Creates a folder with an earlier process's cache: the adder `one` is at `address`. */
    async known(address: string): Promise<string> {
      const folder = await mkdtemp(join(tmpdir(), 'rondo-registry-'));
      folders.push(folder);
      const { state: standing, ...one } = fixedEndpoint(address, { instanceId: 'one' });
      const endpoints = [{ ...one, standing }];
      const about = { format: 'rondo-last-known', version: 2, service: 'rondo.conformance.v1.AdderService' };
      const file = { ...about, registry: [NO_REGISTRY], savedAt: '2026-01-01T00:00:00Z', endpoints };
      await writeFile(join(folder, 'rondo.conformance.v1.AdderService.json'), JSON.stringify(file));
      return folder;
    },
    /** Stops all adders and removes the folders. */
    async stop(): Promise<void> {
      await Promise.all(running.splice(0).map((service) => service.drain()));
      await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
    },
  };
}
