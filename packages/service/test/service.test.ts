import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { OperationsDefinition } from '@rondo/contracts/google/longrunning/operations';
import { ServerReflectionDefinition } from '@rondo/contracts/grpc/reflection/v1/reflection';
import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import { createClient } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { deferred, until } from '../../rpc/test/support/wait.js';
import { StartupError } from '../src/exports/index.js';
import { portOf } from './app-listener.js';
import { compile } from './compile.js';
import { ADDER, cacheOf, closeAll, newFolder, start, startFakeRegistry } from './started.js';

afterEach(closeAll);

/** Writes a descriptor set to a file. */
async function descriptorFile(bytes: Uint8Array): Promise<string> {
  const file = join(await newFolder(), 'descriptors.binpb');
  await writeFile(file, bytes);
  return file;
}

describe('a service', () => {
  it('reports its load to callers over a real connection, but not to health checks', async () => {
    const { channel, client } = await start();
    const reports: (Uint8Array | undefined)[] = [];
    const onTrailer = (trailer: { getBytes(key: string): Uint8Array | undefined }) => {
      reports.push(trailer.getBytes('endpoint-load-metrics-bin'));
    };
    await client.add({ a: 2n, b: 3n }, { onTrailer });
    await createClient(HealthDefinition, { channel }).check({}, { onTrailer });
    const [report, none] = reports;
    expect(none).toBeUndefined();
    const { rpsFractional, applicationUtilization } = OrcaLoadReport.decode(report ?? new Uint8Array());
    expect(rpsFractional).toBeGreaterThan(0);
    expect(applicationUtilization / rpsFractional).toBeGreaterThan(0.0005);
  });

  it('serves its handlers at once, even without a registry, and reports the instance that replied', async () => {
    const { client } = await start();
    const trailers: (string | undefined)[] = [];
    const onTrailer = (trailer: { get(key: string): string | undefined }) =>
      trailers.push(trailer.get('rondo-served-by'));
    const reply = await client.add({ a: 2n, b: 3n }, { onTrailer });
    expect(reply).toEqual({ result: 5n });
    expect(trailers).toEqual(['adder-1']);
  });

  it.each([
    ['its own limit', { app: { maxRequestBytes: 3 } }],
    [
      'RONDO_MAX_REQUEST_BYTES, whatever its own',
      { app: { maxRequestBytes: 100 }, environment: { RONDO_MAX_REQUEST_BYTES: '3' } },
    ],
  ])('accepts no request larger than %s', async (_which, setting) => {
    const { client } = await start(setting);
    await expect(client.add({ a: 2n })).resolves.toEqual({ result: 2n });
    await expect(client.add({ a: 2n, b: 3n })).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
  });

  it('lists its services, health and reflection through reflection', async () => {
    const { channel } = await start();
    async function* requests() {
      yield { messageRequest: { $case: 'listServices' as const, value: '' } };
    }
    const names: string[] = [];
    for await (const { messageResponse } of createClient(ServerReflectionDefinition, { channel }).serverReflectionInfo(
      requests(),
    )) {
      if (messageResponse?.$case !== 'listServicesResponse') throw new Error('unexpected response');
      names.push(...messageResponse.value.service.map(({ name }) => name));
    }
    expect(names.sort((a, b) => a.localeCompare(b))).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'rondo.conformance.v1.AdderService',
      'rondo.stats.v1.CallStatsService',
      'xds.service.orca.v3.OpenRcaService',
    ]);
  });

  it('registers its services, its address and its status, but no operations', async () => {
    const registry = await startFakeRegistry();
    const environment = {
      RONDO_REGISTRY: registry.address,
      RONDO_ZONE: 'eu/a',
      RONDO_ADVERTISE: 'adder.internal',
      RONDO_WEIGHT: '400',
      RONDO_VERSION: '2.1.0',
      RONDO_METADATA: 'canary=5, team=blue, __proto__=kept',
    };
    const operations = { name: 'operations', services: [standIn(OperationsDefinition, {})] };
    const { service } = await start({ environment, app: { parts: [operations] } });
    await until(() => registry.fake.registered.length > 0);
    const port = portOf(service.address);
    expect(registry.fake.registered[0]?.instance).toMatchObject({
      instanceId: 'adder-1',
      endpoints: [{ address: `adder.internal:${port}` }],
      services: ['rondo.conformance.v1.AdderService'],
      zone: 'eu/a',
      weight: 400,
      version: '2.1.0',
      metadata: { canary: '5', team: 'blue' },
      status: InstanceStatus.INSTANCE_STATUS_SERVING,
    });
    expect(Object.keys(registry.fake.registered[0]?.instance?.metadata ?? {})).toContain('__proto__');
  });

  it('registers the fingerprint of its contract from the descriptor set', async () => {
    const registry = await startFakeRegistry();
    const source = (type: string) => `syntax = "proto3"; package rondo.conformance.v1;
      service AdderService { rpc Add(Numbers) returns (Numbers); }
      message Numbers { ${type} a = 1; }`;
    for (const type of ['int64', 'int64', 'string']) {
      const RONDO_DESCRIPTORS = await descriptorFile(await compile({ 'adder.proto': source(type) }));
      await start({ environment: { RONDO_REGISTRY: registry.address, RONDO_DESCRIPTORS } });
    }
    await until(() => registry.fake.registered.length === 3);
    const [one, same, other] = registry.fake.registered.map(({ instance }) => instance?.fingerprints);
    expect(one).toEqual({ 'rondo.conformance.v1.AdderService': expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it('registers and serves if the descriptor set lacks its contract or is damaged', async () => {
    const registry = await startFakeRegistry();
    for (const bytes of [new Uint8Array(), Buffer.from([0x0a, 0x05, 0x01])]) {
      const RONDO_DESCRIPTORS = await descriptorFile(bytes);
      const { client, lines } = await start({ environment: { RONDO_REGISTRY: registry.address, RONDO_DESCRIPTORS } });
      expect(await client.add({ a: 2n, b: 3n })).toEqual({ result: 5n });
      expect(lines.some((line) => line.includes('the descriptor set is damaged'))).toBe(bytes.length > 0);
    }
    await until(() => registry.fake.registered.length === 2);
    expect(registry.fake.registered.map(({ instance }) => instance?.fingerprints)).toEqual([{}, {}]);
  });

  it('refuses calls until its dependencies are available, and names the others', async () => {
    const registry = await startFakeRegistry();
    let there = false;
    const check = () => (there ? Promise.resolve() : Promise.reject(new Error('connection refused')));
    const dependencies = [{ name: 'the database at db:5432', check }];
    const environment = { RONDO_REGISTRY: registry.address };
    const { channel, client } = await start({ environment, app: { dependencies } });
    const health = createClient(HealthDefinition, { channel });
    expect(await health.check({})).toEqual({ status: ServingStatus.NOT_SERVING });
    await expect(client.add({ a: 2n, b: 3n })).rejects.toMatchObject({
      code: Status.UNAVAILABLE,
      message: "adder isn't ready: it waits for a dependency, which its log names; call again soon",
    });
    there = true;
    for await (const { status } of health.watch({ service: 'rondo.conformance.v1.AdderService' })) {
      if (status === ServingStatus.SERVING) break;
    }
    expect(await client.add({ a: 2n, b: 3n })).toEqual({ result: 5n });
    await until(() => registry.fake.updated.length > 0);
    expect(registry.fake.registered[0]?.instance?.status).toBe(InstanceStatus.INSTANCE_STATUS_STARTING);
    expect(registry.fake.updated[0]?.status).toBe(InstanceStatus.INSTANCE_STATUS_SERVING);
  });

  it('starts without a registry and calls cached instances; its metrics report it', async () => {
    const callee = await start();
    const folder = await cacheOf(callee.service.address);
    const environment = { RONDO_REGISTRY_CACHE: folder, RONDO_METRICS: '127.0.0.1:0', RONDO_INSTANCE_ID: 'caller' };
    const { service, outgoing, lines } = await start({ environment });
    const client = createClient(AdderServiceDefinition, { channel: outgoing });
    await until(() => outgoing.inspect().some(({ endpoints }) => endpoints.length > 0));
    expect(await client.add({ a: 2n, b: 3n })).toEqual({ result: 5n });
    const said = 'warn: the registry is away: calls go to the instances that an earlier process saved';
    expect(lines.filter((line) => line.startsWith(said))).toHaveLength(1);
    const text = await (await fetch(`http://${service.metricsAddress}/metrics`)).text();
    const labels = `{grpc_target="${ADDER}",state="last_known"}`;
    expect(text.split('\n')).toContain(`rondo_discovery_registry_state${labels} 1`);
    expect(text.split('\n')).toContain(`rondo_discovery_registry_changes_total${labels} 1`);
  });

  it('streams load reports in every phase, and ends the stream when it drains', async () => {
    const dependencies = [{ name: 'the database', check: () => Promise.reject(new Error('connection refused')) }];
    const { service, channel, client } = await start({ app: { dependencies } });
    await expect(client.add({ a: 2n, b: 3n })).rejects.toBeDefined();
    const reports = createClient(OpenRcaServiceDefinition, { channel }).streamCoreMetrics({});
    const report = reports[Symbol.asyncIterator]();
    expect((await report.next()).value?.namedMetrics).toEqual({ calls_in_flight: 0, calls_begun: 1 });
    const drained = service.drain();
    expect((await report.next()).done).toBe(true);
    await drained;
  });

  it('calls other services from its own zone', async () => {
    const { outgoing } = await start({ environment: { RONDO_ZONE: 'eu-west/a' } });
    expect(outgoing.zone).toBe('eu-west/a');
    const { outgoing: elsewhere } = await start();
    expect(elsewhere.zone).toBe('');
  });

  it('counts its calls by method and status', async () => {
    const { service, client } = await start({ environment: { RONDO_METRICS: '127.0.0.1:0' } });
    await client.add({ a: 2n, b: 3n });
    const text = await (await fetch(`http://${service.metricsAddress}/metrics`)).text();
    expect(text).toMatch(
      /^rpc_server_call_duration_seconds_count\{rpc_system_name="grpc",rpc_method="rondo.conformance.v1.AdderService\/Add",rpc_response_status_code="OK"/m,
    );
  });
});

describe('a start that fails', () => {
  it('names the variable if the port is in use, and releases its resources', async () => {
    const { service } = await start();
    let stopped = false;
    const stop = () => {
      stopped = true;
    };
    const failure = start({ app: { stop }, environment: { RONDO_LISTEN: service.address } });
    await expect(failure).rejects.toThrow(StartupError);
    await expect(failure).rejects.toThrow(
      `can't listen on ${service.address}: the port is in use; stop what holds it, or set RONDO_LISTEN to another address`,
    );
    expect(stopped).toBe(true);
  });

  it('names the configured descriptor set if it is missing', async () => {
    await expect(start({ environment: { RONDO_DESCRIPTORS: '/nowhere' } })).rejects.toThrow(
      /RONDO_DESCRIPTORS=\/nowhere/,
    );
  });
});

describe('a drain', () => {
  it('notifies the registry first, finishes calls in flight, then deregisters and stops the app', async () => {
    const registry = await startFakeRegistry();
    const [begun, answer] = [deferred(), deferred()];
    const calls = registry.fake.calls;
    const { service, channel, client } = await start({
      environment: { RONDO_REGISTRY: registry.address, RONDO_DRAIN_GRACE_MS: '5000' },
      app: { stop: () => void calls.push('stop') },
      add: async ({ a, b }) => {
        begun.resolve();
        await answer.promise;
        return { result: a + b };
      },
    });
    await until(() => registry.fake.registered.length > 0);
    const health = createClient(HealthDefinition, { channel }).watch({})[Symbol.asyncIterator]();
    expect((await health.next()).value).toEqual({ status: ServingStatus.SERVING });
    const reply = client.add({ a: 2n, b: 3n });
    await begun.promise;
    const drained = service.drain();
    expect((await health.next()).value).toEqual({ status: ServingStatus.NOT_SERVING });
    await expect(health.next()).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    expect(calls).toEqual(['register', 'update lease-1']);
    answer.resolve();
    expect(await reply).toEqual({ result: 5n });
    await drained;
    expect(calls).toEqual(['register', 'update lease-1', 'deregister lease-1', 'stop']);
    expect(registry.fake.updated[0]?.status).toBe(InstanceStatus.INSTANCE_STATUS_DRAINING);
  });
});
