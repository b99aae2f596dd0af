/** An app's and a service's options: balancing, message limits, middleware. */

import { afterEach, expect, it } from '@jest/globals';
import { ServerReflectionDefinition } from '@rondo/contracts/grpc/reflection/v1/reflection';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { PinnedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/pinned';
import type { ServerCall } from '@rondo/rpc/call';
import { type Channel, type ChannelPolicies, createClient } from '@rondo/rpc/client';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError, Status } from '@rondo/rpc/status';
import { until } from '../../rpc/test/support/wait.js';
import { type ServiceContext, startService } from '../src/exports/index.js';
import { ADDER, cacheOf, closeAll, start } from './started.js';

afterEach(closeAll);

/** A client of the adder, once the channel knows the cached endpoint. The disk of a busy machine takes its time. */
async function callerOf(channel: Channel) {
  const client = createClient(AdderServiceDefinition, { channel });
  await until(() => (channel.inspect()[0]?.endpoints.length ?? 0) > 0);
  return client;
}

it('RONDO_BALANCING balances calls, and metrics report the calls of each instance', async () => {
  const callee = await start();
  const { service, outgoing } = await start({
    environment: {
      RONDO_BALANCING: `${ADDER}=least_request`,
      RONDO_METRICS: '127.0.0.1:0',
      RONDO_REGISTRY_CACHE: await cacheOf(callee.service.address),
    },
  });
  const client = await callerOf(outgoing);
  for (let left = 3; left > 0; left -= 1) await client.add({ a: 2n, b: 3n });
  expect(outgoing.inspect()[0]?.balancing).toMatchObject({ policy: 'least_request', origin: 'configuration' });
  const text = await (await fetch(`http://${service.metricsAddress}/metrics`)).text();
  const labels = `{grpc_target="${ADDER}",rondo_instance="one"}`;
  const lines = [`rondo_balancer_picks_total${labels} 3`, `rondo_balancer_weight_ratio${labels} 1`];
  expect(text.split('\n')).toEqual(expect.arrayContaining(lines));
});

const notCalled = () => {
  throw new Error('this test makes no call');
};
const policies: ChannelPolicies = {
  kind: 'policies',
  package: '@rondo/balancing',
  balancing: { ring_hash: notCalled, zone_aware: notCalled },
  openSubsets: notCalled,
  openGuards: () => ({ of: () => undefined, configure() {}, view: () => [] }),
};

it('a service does not start if its app calls a contract that needs a plugin which it lacks', async () => {
  const environment = { RONDO_LISTEN: '127.0.0.1:0', RONDO_LOG_LEVEL: 'error' };
  const createApp = ({ channel }: ServiceContext) => {
    createClient(PinnedServiceDefinition, { channel });
    return { services: [] };
  };
  const faults = [
    expect.stringMatching(/balancing, ring_hash, of .*PinnedService: .* @rondo\/balancing: run `rondo add/),
  ];
  const starting = startService({ name: 'caller', port: 0, register: false, environment, createApp });
  await expect(starting).rejects.toMatchObject({ name: 'ConfigurationError', faults });
});

it('a service does not start if RONDO_BALANCING sets a policy that does not suit a called contract', async () => {
  const environment = { RONDO_LISTEN: '127.0.0.1:0', RONDO_LOG_LEVEL: 'error', RONDO_BALANCING: '*=ring_hash' };
  const createApp = ({ channel }: ServiceContext) => {
    createClient(AdderServiceDefinition, { channel });
    return { services: [] };
  };
  const options = { name: 'caller', port: 0, register: false, environment, createApp };
  const missing = [expect.stringContaining('the setting balancing of *, ring_hash: ')];
  await expect(startService(options)).rejects.toMatchObject({ name: 'ConfigurationError', faults: missing });
  const starting = startService({ ...options, plugins: [policies] });
  const fault =
    /^RONDO_BALANCING: rondo\.conformance\.v1\.AdderService can't be balanced so: ring_hash .*, or choose another policy$/;
  const faults = [expect.stringMatching(fault)];
  await expect(starting).rejects.toMatchObject({ name: 'ConfigurationError', faults });
});

it('a service that publishes topics does not start without the plugin for RONDO_TOPICS, and any other does', async () => {
  const RONDO_TOPICS = 'nats://ada:secret@127.0.0.1:4222';
  const environment = { RONDO_LISTEN: '127.0.0.1:0', RONDO_LOG_LEVEL: 'error', RONDO_TOPICS };
  const options = { name: 'publisher', port: 0, register: false, environment };
  const createApp = ({ plugin }: ServiceContext) => ({ services: [], asked: plugin('broker') });
  const fault =
    "RONDO_TOPICS: nats://… needs the plugin @rondo/topics-nats: run `rondo add topics-nats`, which adds it to the dependencies and to runService's plugins";
  await expect(startService({ ...options, createApp })).rejects.toMatchObject({ faults: [fault] });
  const asked: unknown[] = [];
  const [nats, other] = ['nats', 'other'].map((scheme) => ({ kind: 'broker', package: scheme, schemes: [scheme] }));
  const passing = { ...options, plugins: [other, nats].flatMap((plugin) => plugin ?? []) };
  const note = ({ plugin }: ServiceContext) => ({ services: [], noted: asked.push(plugin('broker'), plugin('cache')) });
  await (await startService({ ...passing, createApp: note })).drain();
  expect(asked).toEqual([{ plugin: nats, url: RONDO_TOPICS }, undefined]);
  await (await startService({ ...options, createApp: () => ({ services: [] }) })).drain();
});

it('a service accepts no reply larger than its own limit', async () => {
  const callee = await start();
  const RONDO_REGISTRY_CACHE = await cacheOf(callee.service.address);
  const { outgoing } = await start({ maxReplyBytes: 3, environment: { RONDO_REGISTRY_CACHE } });
  const { add } = await callerOf(outgoing);
  await expect(add({ a: 2n })).resolves.toEqual({ result: 2n });
  await expect(add({ a: 2n ** 40n })).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
});

const refuse: Middleware<ServerCall> = () => Promise.reject(new RpcError(Status.UNAUTHENTICATED, 'who are you?'));
const refused = { code: Status.UNAUTHENTICATED };

it("an app's middleware runs around its own methods only; its server middleware runs around all", async () => {
  const reached: string[] = [];
  const note: Middleware<ServerCall> = (call, next) => {
    reached.push(call.method.name);
    return next(call);
  };
  const { channel, client } = await start({ app: { middleware: [refuse], serverMiddleware: [note] } });
  await expect(client.add({})).rejects.toMatchObject(refused);
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
