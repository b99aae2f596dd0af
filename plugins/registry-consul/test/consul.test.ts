import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { Instance, InstanceStatus, OperatorState } from '@rondo/contracts/rondo/registry/v1/registry';
import { fromHealth, toEntry } from '../src/entry.js';
import { consulRegistry } from '../src/exports/registry.js';

const SERVICE = 'shop.v1.CartService';
const instance = Instance.fromPartial({
  instanceId: 'cart-1',
  incarnation: 7n,
  services: [SERVICE],
  zone: 'eu/a',
  version: '1.2.3',
  weight: 50,
  endpoints: [{ address: '[fd00::1]:50051', security: 1 }],
  // Longer than one value of Consul's Meta.
  metadata: { note: 'x'.repeat(1_500) },
  status: InstanceStatus.INSTANCE_STATUS_SERVING,
});
const entry = (of = instance) => JSON.parse(JSON.stringify(toEntry(SERVICE, of, 9_000)));

describe('an entry', () => {
  it('is what other clients of Consul read, and the whole instance', () => {
    expect(entry()).toMatchObject({
      ID: 'cart-1:shop.v1.CartService',
      Name: SERVICE,
      Address: 'fd00::1',
      Port: 50_051,
      Tags: ['rondo', 'grpc'],
      Meta: { version: '1.2.3', zone: 'eu/a' },
      Weights: { Passing: 50 },
      Check: { TTL: '9000ms', Status: 'passing' },
    });
    expect(Object.values(entry().Meta).every((text) => String(text).length <= 512)).toBe(true);
    expect(fromHealth(SERVICE, { Service: entry(), Checks: [] })).toEqual(instance);
  });

  it('has the weight 1 if the instance has none, as Consul takes no other', () => {
    expect(entry({ ...instance, weight: 0 }).Weights).toEqual({ Passing: 1, Warning: 1 });
  });

  it('warns unless the instance serves', () => {
    const draining = { ...instance, status: InstanceStatus.INSTANCE_STATUS_DRAINING };
    expect(entry(draining).Check.Status).toBe('warning');
  });

  it('is not listed while a check is critical, and cordoned in maintenance', () => {
    const within = (CheckID: string) =>
      fromHealth(SERVICE, { Service: entry(), Checks: [{ CheckID, Status: 'critical' }] })?.operatorState;
    expect(within('serfHealth')).toBeUndefined();
    expect(within('_service_maintenance:cart-1')).toBe(OperatorState.OPERATOR_STATE_CORDONED);
  });

  it('of another program is an instance at the address of its node, if it has none', () => {
    const Service = { ID: 'x', Address: '', Port: 80, Meta: { version: '2' }, Weights: { Passing: 1 } };
    expect(fromHealth(SERVICE, { Node: { Address: '10.0.0.1' }, Service })).toMatchObject({
      instanceId: 'x',
      version: '2',
      weight: 0,
      services: [SERVICE],
      endpoints: [{ address: '10.0.0.1:80', security: 1 }],
    });
  });

  it.each([7, null, {}, { Service: { Port: 'x', Address: 'a' } }])('%p is none', (item) => {
    expect(fromHealth(SERVICE, item)).toBeUndefined();
  });
});

it('has a URL without credentials', () => {
  expect(() => consulRegistry('consul://token@h')).toThrow('give consul://HOST:PORT, such as consul://10.0.0.7:8500');
  expect(() => consulRegistry('consul://h?token=x')).toThrow(/^token is neither tls, .*token-file, dc nor the full/);
});

it.each([
  [100_000, 'it names more than 50000 instances'],
  [34_000_000, 'the answers that are read take more than 67108864 bytes'],
  [1_000_000, 'the answers that are read take more than 67108864 bytes'],
])('refuses a list of %d', async (length, message) => {
  const body = length <= 1_000_000 ? JSON.stringify(Array.from({ length }, () => ({}))) : Buffer.alloc(length, ' ');
  const packed = gzipSync(body, { level: 1 }); // before an answer is waited for
  const server = createServer((_, response) =>
    response.setHeader('x-consul-index', '7').setHeader('content-encoding', 'gzip').end(packed),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const registry = consulRegistry(`consul://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    const watch = registry.watch(SERVICE, new AbortController().signal);
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toThrow(message);
  } finally {
    await registry.close();
    server.close();
  }
});

it.each([404, 200])('refuses a server that is no agent, which answers with %d', async (status) => {
  const server = createServer((_, response) => response.writeHead(status).end('<html>'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const registry = consulRegistry(`consul://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const { signal } = new AbortController();
  try {
    for (const service of [SERVICE, '']) {
      const watch = registry.watch(service, signal);
      await expect(watch[Symbol.asyncIterator]().next()).rejects.toThrow('is no agent of Consul');
    }
    if (status === 404)
      await expect(registry.write(instance, { ttlMs: 9_000, signal })).rejects.toThrow('is no agent of Consul');
  } finally {
    await registry.close();
    server.close();
  }
});

/** Follows a service, or all, at an agent with these answers by path; without one, the answer is 404. */
async function listAt(
  answers: Readonly<Record<string, unknown>>,
  service: string,
  { headers = {}, query = '' }: { readonly headers?: Readonly<Record<string, string>>; readonly query?: string } = {},
) {
  const server = createServer(({ url = '' }, response) => {
    const answer = answers[new URL(url, 'http://agent').pathname];
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader('x-consul-index', '7').writeHead(answer === undefined ? 404 : 200);
    response.end(JSON.stringify(answer ?? null));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const registry = consulRegistry(
    `consul://127.0.0.1:${(server.address() as AddressInfo).port}?a.v1.Mapped=mapped${query}`,
  );
  try {
    const watch = registry.watch(service, AbortSignal.timeout(60_000));
    const listed: readonly Instance[] = (await watch[Symbol.asyncIterator]().next()).value;
    return listed.map(({ instanceId, services }) => `${instanceId} ${services}`);
  } finally {
    await registry.close();
    server.close();
  }
}

it("takes no list from an agent whose index goes back, as one's does that is slow to follow the servers", async () => {
  const found = [{ Service: { ID: 'x', Address: '10.0.0.1', Port: 80 }, Checks: [] }];
  const answers = [
    [7, found],
    [1, []],
    [9, found],
  ] as const;
  const asked: unknown[] = [];
  const server = createServer(({ url = '' }, response) => {
    const [index, list] = answers[asked.push(new URL(url, 'http://agent').searchParams.get('index')) - 1] ?? [9, found];
    response.setHeader('x-consul-index', index).end(JSON.stringify(list));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const registry = consulRegistry(`consul://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const watch = registry.watch(SERVICE, AbortSignal.timeout(60_000))[Symbol.asyncIterator]();
  try {
    const lists = [await watch.next(), await watch.next(), await watch.next()];
    expect(lists.map(({ value }) => value?.length)).toEqual([1, undefined, 1]);
    expect(asked).toEqual(['0', '7', '0']);
  } finally {
    await registry.close();
    server.close();
  }
});

it('lists all services by tag, by full name and by the name in the URL, of any program', async () => {
  const health = (id: string) => [{ Service: { ID: id, Address: '10.0.0.1', Port: 80 }, Checks: [] }];
  const names = { consul: [], redis: ['cache'], tagged: ['rondo'], [SERVICE]: [], mapped: [] };
  const paths = Object.keys(names).map((name) => [`/v1/health/service/${name}`, health(name)]);
  const answers = { '/v1/health/state/any': [], '/v1/catalog/services': names, ...Object.fromEntries(paths) };
  expect(await listAt(answers, '')).toEqual(['tagged tagged', `${SERVICE} ${SERVICE}`, 'mapped a.v1.Mapped']);
});

describe('ACLs that hide', () => {
  const nothing = { [`/v1/health/service/${SERVICE}`]: [], '/v1/health/state/any': [] };
  const message = /^the ACLs of Consul hide the services from a process without a token; give token-file=FILE/;

  it.each([SERVICE, ''])(
    'all services from a process without a token are told from there being no %p',
    async (service) => {
      expect(await listAt({ ...nothing, '/v1/catalog/services': { consul: [] } }, service)).toEqual([]);
      await expect(listAt({ ...nothing, '/v1/catalog/services': {} }, service)).rejects.toThrow(message);
    },
  );

  it('all but the asked service from a token leave that empty: the agent says to a token what it hides', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'rondo-token-')), 'token');
    writeFileSync(file, 'secret');
    const answers = { ...nothing, '/v1/catalog/services': {} };
    expect(await listAt(answers, SERVICE, { query: `&token-file=${encodeURIComponent(file)}` })).toEqual([]);
    rmSync(dirname(file), { recursive: true });
  });

  it('the instances of a service are told, too', async () => {
    const headers = { 'x-consul-results-filtered-by-acls': 'true' };
    await expect(listAt({ ...nothing, '/v1/catalog/services': { a: [] } }, SERVICE, { headers })).rejects.toThrow(
      message,
    );
  });
});

it('calls a service of another program with TLS if its entry says so', () => {
  const Service = { ID: 'x', Address: '10.0.0.1', Port: 80, Meta: { tls: 'on' } };
  expect(fromHealth(SERVICE, { Service })?.endpoints).toMatchObject([{ address: '10.0.0.1:80', security: 2 }]);
});
