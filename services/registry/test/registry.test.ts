import { afterEach, describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import {
  type Instance,
  InstanceStatus,
  Protocol,
  RegistryServiceDefinition,
  RemovalReason,
  Security,
  type WatchResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, ManualClock, seededRandom } from '@rondo/rpc/testing';
import { createApp } from '../src/app.js';

const CONFIG = { maxInstances: 100, maxServices: 10, maxWatches: 2, warmingMs: 0 };
const SALES = 'sales.v1.OrderService';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function start(config: Partial<typeof CONFIG> = {}) {
  const clock = new ManualClock();
  const random = seededRandom(1);
  const app = createApp({ clock, random, log: silentLogger }, { ...CONFIG, ...config });
  const channel = createTestChannel({ services: app.services, clock, random });
  stops.push(
    () => app.stop?.(),
    () => channel.close(),
  );
  return { registry: createClient(RegistryServiceDefinition, { channel }), clock, app };
}

function sales(part: Partial<Instance> = {}) {
  return {
    instanceId: 'sales-1',
    incarnation: 1n,
    endpoints: [
      { address: '127.0.0.1:50053', protocols: [Protocol.PROTOCOL_GRPC], security: Security.SECURITY_PLAINTEXT },
    ],
    services: [SALES],
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
    ...part,
  };
}

async function refusal(call: Promise<unknown>): Promise<RpcError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RpcError)) throw new Error(`expected an RpcError, got ${String(error)}`);
  return error;
}

/** The fields that a call is refused for. */
async function violations(call: Promise<unknown>): Promise<readonly string[]> {
  const error = await refusal(call);
  expect(error.codeName).toBe('INVALID_ARGUMENT');
  return error.detail(BadRequest)?.fieldViolations.map(({ field }) => field) ?? [];
}

/** The next message of a watch. */
async function next(watch: AsyncIterator<WatchResponse>): Promise<WatchResponse> {
  const step = await watch.next();
  if (step.done === true) throw new Error('the watch has ended');
  return step.value;
}

describe('a registered instance', () => {
  it('is listed as it described itself, with what the registry adds', async () => {
    const { registry, clock } = start();
    const described = sales({ zone: 'eu/a', version: '1.2.3', metadata: { team: 'blue' } });
    const { leaseId, ttl, position } = await registry.register({ instance: described });
    expect(leaseId).toMatch(/^1-[0-9a-f]{24}$/);
    expect(ttl).toEqual({ seconds: 10n, nanos: 0 });
    expect(position).toEqual({ epoch: BigInt(clock.now()), revision: 1n });
    const { instances, nextPageToken, warming } = await registry.listInstances({ service: SALES });
    const registered = { weight: 100, registerTime: new Date(clock.now()), revision: 1n };
    expect(instances).toEqual([{ ...described, ...registered }]);
    expect([nextPageToken, warming]).toEqual(['', false]);
    expect((await registry.listServices({})).services).toEqual([{ service: SALES, instances: 1, serving: 1 }]);
  });

  it('renews, changes and leaves under its lease', async () => {
    const { registry } = start();
    const { leaseId } = await registry.register({ instance: sales(), ttl: { seconds: 4n, nanos: 500_000_000 } });
    const lease = { leaseId, instanceId: 'sales-1' };
    expect(await registry.renew(lease)).toMatchObject({
      ttl: { seconds: 4n, nanos: 500_000_000 },
      position: { revision: 1n },
    });
    const draining = { status: InstanceStatus.INSTANCE_STATUS_DRAINING, weight: 7, updateMask: ['status'] };
    const { instance } = await registry.update({ ...lease, ...draining });
    expect(instance).toMatchObject({ status: draining.status, weight: 100, revision: 2n });
    expect(await registry.deregister(lease)).toMatchObject({ position: { revision: 3n } });
    expect(await registry.deregister(lease)).toMatchObject({ position: { revision: 3n } });
    const gone = await refusal(registry.renew(lease));
    expect([gone.codeName, gone.message]).toEqual([
      'NOT_FOUND',
      'no such lease for instance "sales-1": register again',
    ]);
  });

  it('is told when a later incarnation takes over', async () => {
    const { registry } = start();
    const { leaseId } = await registry.register({ instance: sales() });
    await registry.register({ instance: sales({ incarnation: 2n }) });
    const lease = { leaseId, instanceId: 'sales-1' };
    for (const call of [
      registry.renew(lease),
      registry.update({ ...lease, weight: 1, updateMask: ['weight'] }),
      registry.register({ instance: sales() }),
    ]) {
      const error = await refusal(call);
      expect(error.code).toBe(Status.ABORTED);
      expect(error.message).toBe(
        'another process, incarnation 2, has taken over instance id "sales-1": give this process its own RONDO_INSTANCE_ID',
      );
    }
  });

  it('keeps protocols that this registry does not know', async () => {
    const { registry } = start();
    const endpoints = [{ address: '[::1]:50053', protocols: [1, 77], security: Security.SECURITY_TLS }];
    await registry.register({ instance: sales({ endpoints }) });
    expect((await registry.listInstances({})).instances[0]?.endpoints).toEqual(endpoints);
  });
});

describe('a watch', () => {
  it('follows a service from a snapshot through deltas to progress marks', async () => {
    const { registry, clock } = start();
    const { leaseId } = await registry.register({ instance: sales() });
    const stop = new AbortController();
    const watch = registry.watch({ service: SALES }, { signal: stop.signal })[Symbol.asyncIterator]();
    const snapshot = await next(watch);
    expect(snapshot).toMatchObject({
      position: { revision: 1n },
      warming: false,
      event: { $case: 'snapshot', value: { instances: [{ instanceId: 'sales-1' }], more: false } },
    });
    await registry.register({ instance: sales({ instanceId: 'sales-2' }) });
    await registry.deregister({ leaseId, instanceId: 'sales-1' });
    const removals = [{ instanceId: 'sales-1', reason: RemovalReason.REMOVAL_REASON_DEREGISTERED }];
    const seen: WatchResponse[] = [];
    while (seen.at(-1)?.position?.revision !== 3n) seen.push(await next(watch));
    expect(seen.at(-1)).toMatchObject({ event: { $case: 'delta', value: { removals } } });
    const waiting = next(watch);
    await clock.advance(5000);
    expect(await waiting).toMatchObject({ event: { $case: 'progress' }, position: { revision: 3n } });
    stop.abort();
    await expect(watch.next()).rejects.toMatchObject({ code: Status.CANCELLED });
  });

  it('resumes from its position', async () => {
    const { registry } = start();
    const { position } = await registry.register({ instance: sales() });
    await registry.register({ instance: sales({ instanceId: 'sales-2' }) });
    for await (const event of registry.watch({ service: SALES, resumeFrom: position })) {
      expect(event).toMatchObject({ event: { $case: 'delta', value: { upserts: [{ instanceId: 'sales-2' }] } } });
      break;
    }
  });

  it('too large for a message comes in parts, from none but the last of which it can resume', async () => {
    const { registry } = start({ maxServices: 30 });
    const services = Array.from({ length: 30 }, (_, index) => `s${index}.${'x'.repeat(200)}`);
    const metadata = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`k${index}`, 'x'.repeat(256)]));
    for (let index = 0; index < 100; index += 1) {
      await registry.register({ instance: sales({ instanceId: `sales-${index}`, services, metadata }) });
    }
    const seen: WatchResponse[] = [];
    for await (const event of registry.watch({})) {
      seen.push(event);
      if (event.position !== undefined) break;
    }
    const parts = seen.map(({ event }) => (event?.$case === 'snapshot' ? event.value : undefined));
    expect(parts.map((part) => part?.more)).toEqual([true, false]);
    expect(parts.flatMap((part) => part?.instances ?? [])).toHaveLength(100);
    expect(seen.map(({ position }) => position?.revision)).toEqual([undefined, 100n]);
  });

  it('is refused above the limit, until another ends', async () => {
    const { registry, clock } = start();
    const stop = new AbortController();
    const open = () => registry.watch({}, { signal: stop.signal })[Symbol.asyncIterator]();
    await next(open());
    await next(open());
    const error = await refusal(next(open()));
    expect([error.codeName, error.message]).toEqual([
      'RESOURCE_EXHAUSTED',
      'the registry holds 2 watches, as many as it may: share watches, or raise RONDO_REGISTRY_MAX_WATCHES',
    ]);
    stop.abort();
    await clock.advance(0);
    for await (const event of registry.watch({})) {
      expect(event.event?.$case).toBe('snapshot');
      break;
    }
  });

  it('ends UNAVAILABLE when the registry stops', async () => {
    const { registry, clock, app } = start();
    const watch = registry.watch({})[Symbol.asyncIterator]();
    await next(watch);
    const waiting = refusal(next(watch));
    await clock.advance(0);
    await app.stop?.();
    expect((await waiting).codeName).toBe('UNAVAILABLE');
  });
});

describe('a bad request', () => {
  it('is told all that is wrong with it', async () => {
    const { registry } = start();
    const long = 'x'.repeat(300);
    const worst = {
      instanceId: 'no spaces',
      incarnation: 0n,
      endpoints: [{ address: 'nowhere', protocols: Array.from({ length: 9 }, () => 1), security: 0 }],
      services: ['not-a-service', 'not-a-service'],
      zone: 'eu',
      version: long,
      weight: 1001,
      metadata: { [long]: 'a', b: long },
      status: 77,
    };
    expect(await violations(registry.register({ instance: worst, ttl: { seconds: 2n, nanos: 999_999_999 } }))).toEqual([
      'ttl',
      'instance.status',
      'instance.instance_id',
      'instance.incarnation',
      'instance.endpoints[0].address',
      'instance.endpoints[0].protocols',
      'instance.endpoints[0].security',
      'instance.services',
      'instance.services[0]',
      'instance.services[1]',
      'instance.zone',
      'instance.version',
      'instance.weight',
      'instance.metadata',
      'instance.metadata["b"]',
    ]);
    expect((await registry.listInstances({})).instances).toEqual([]);
  });

  it.each([
    ['no instance', { instance: undefined }, ['instance']],
    ['no endpoint', { instance: sales({ endpoints: [] }) }, ['instance.endpoints']],
    [
      'too many endpoints',
      { instance: sales({ endpoints: Array.from({ length: 9 }, () => endpoint('a:1')) }) },
      ['instance.endpoints'],
    ],
    ['no service', { instance: sales({ services: [] }) }, ['instance.services']],
    [
      'too many services',
      { instance: sales({ services: Array.from({ length: 65 }, (_, i) => `s${i}`) }) },
      ['instance.services'],
    ],
    ['no status', { instance: sales({ status: 0 }) }, ['instance.status']],
    ['too many labels', { instance: sales({ metadata: labels(33, 1) }) }, ['instance.metadata']],
    ['a negative weight', { instance: sales({ weight: -1 }) }, ['instance.weight']],
    ['too long a TTL', { instance: sales(), ttl: { seconds: 600n, nanos: 1 } }, ['ttl']],
    ['too long an id', { instance: sales({ instanceId: 'x'.repeat(129) }) }, ['instance.instance_id']],
    [
      'too much text',
      {
        instance: sales({
          services: Array.from({ length: 64 }, (_, i) => `s${i}${'x'.repeat(250)}`),
          metadata: labels(32, 64),
        }),
      },
      ['instance'],
    ],
  ])('of %s is refused', async (_name, request, fields) => {
    const { registry } = start();
    expect(await violations(registry.register(request))).toEqual(fields);
  });

  it.each([
    '',
    'a',
    'a:',
    'a:0',
    'a:65536',
    ':1',
    '::1:1',
    '[::1]',
    'http://a:1',
    'a b:1',
    'unix:a',
    'unix:',
    `${'a'.repeat(254)}:1`,
  ])('with the address %p is refused', async (address) => {
    const { registry } = start();
    const request = { instance: sales({ endpoints: [endpoint(address)] }) };
    expect(await violations(registry.register(request))).toEqual(['instance.endpoints[0].address']);
  });

  it.each(['a:1', 'project_management:50052', '10.0.0.1:65535', '[::1]:1', 'unix:/run/a.sock'])(
    'but not with the address %p',
    async (address) => {
      const { registry } = start();
      await registry.register({ instance: sales({ endpoints: [endpoint(address)] }) });
    },
  );

  it('of a lease, an update, a list or a watch is refused too', async () => {
    const { registry } = start();
    const lease = { leaseId: '1-a', instanceId: 'sales-1' };
    expect(await violations(registry.renew({}))).toEqual(['lease_id', 'instance_id']);
    expect(await violations(registry.deregister({ leaseId: 'x'.repeat(129) }))).toEqual(['lease_id', 'instance_id']);
    for (const updateMask of [undefined, [], ['zone'], ['weight', 'zone'], ['metadata.a'], ['*']]) {
      const request = { ...lease, weight: 1, ...(updateMask && { updateMask }) };
      expect(await violations(registry.update(request))).toEqual(['update_mask']);
    }
    const worst = { weight: 1001, metadata: labels(33, 1), updateMask: ['status', 'weight', 'metadata'] };
    expect(await violations(registry.update({ ...lease, ...worst }))).toEqual(['status', 'weight', 'metadata']);
    const list = { service: 'no service', pageSize: -1, pageToken: '%' };
    expect(await violations(registry.listInstances(list))).toEqual(['service', 'page_size', 'page_token']);
    expect(await violations(registry.listInstances({ pageSize: 1001 }))).toEqual(['page_size']);
    const watch = registry.watch({ service: 'no service' })[Symbol.asyncIterator]();
    expect(await violations(next(watch))).toEqual(['service']);
  });
});

describe('lists', () => {
  it('come page by page', async () => {
    const { registry } = start();
    for (const instanceId of ['c', 'a', 'b']) await registry.register({ instance: sales({ instanceId }) });
    const first = await registry.listInstances({ pageSize: 2 });
    expect(first.instances.map(({ instanceId }) => instanceId)).toEqual(['a', 'b']);
    const second = await registry.listInstances({ pageSize: 2, pageToken: first.nextPageToken });
    expect(second.instances.map(({ instanceId }) => instanceId)).toEqual(['c']);
    expect(second.nextPageToken).toBe('');
  });

  it('say that the registry is warming', async () => {
    const { registry, clock } = start({ warmingMs: 10_000 });
    expect(await registry.listServices({})).toMatchObject({ warming: true });
    await clock.advance(10_000);
    expect(await registry.listInstances({})).toMatchObject({ warming: false });
  });
});

describe('above its limits', () => {
  it('the registry says which, and what to do', async () => {
    const { registry } = start({ maxInstances: 1 });
    await registry.register({ instance: sales() });
    const error = await refusal(registry.register({ instance: sales({ instanceId: 'sales-2' }) }));
    expect([error.codeName, error.message]).toEqual([
      'RESOURCE_EXHAUSTED',
      'the registry holds 1 instances, as many as it may: wait for leases to run out, or raise RONDO_REGISTRY_MAX_INSTANCES',
    ]);
  });
});

function endpoint(address: string) {
  return { address, protocols: [], security: Security.SECURITY_PLAINTEXT };
}

function labels(count: number, keyLength: number): Record<string, string> {
  const entries = Array.from({ length: count }, (_, i) => [String(i).padEnd(keyLength, 'k'), 'v'.repeat(keyLength)]);
  return Object.fromEntries(entries);
}
