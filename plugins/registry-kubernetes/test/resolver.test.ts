import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import type { Resolution } from '@rondo/rpc/internal';
import { ManualClock } from '@rondo/rpc/testing';
import { kubernetesResolver } from '../src/exports/resolver.js';
import type { KubernetesResolverOptions } from '../src/resolver.js';
import { ApiServer, type Slice } from './api-server.js';

const SERVICE = 'shop.v1.CartService';
const LABELS = { 'rondo/instances': 'frames', [`serves.rondo/${SERVICE}`]: '' };

const pod = (name: string, fields: object = {}) => ({
  addresses: [`10.0.0.${name.length}`],
  conditions: { ready: true, serving: true, terminating: false },
  targetRef: { kind: 'Pod', name, uid: '0123456789ab-cdef' },
  zone: 'eu-west-1a',
  ...fields,
});

const cart = (endpoints: readonly unknown[], fields: Partial<Slice> = {}): Slice => ({
  name: 'cart',
  labels: LABELS,
  endpoints,
  ...fields,
});

let api: ApiServer;
let server: string;
const closings: (() => void)[] = [];

beforeEach(async () => {
  api = new ApiServer();
  server = await api.listen();
});

afterEach(async () => {
  for (const close of closings.splice(0)) close();
  await api.close();
});

/** Resolves a service, and tells what was heard. */
function follow(service = SERVICE, { query = '', ...options }: KubernetesResolverOptions & { query?: string } = {}) {
  const resolver = kubernetesResolver(`kubernetes://shop?server=${server}${query}`, options);
  closings.push(() => resolver.close());
  const heard: Resolution[] = [];
  const failures: string[] = [];
  const handle = resolver.resolve(service, {
    onResolution: (resolution) => void heard.push(resolution),
    onFailure: (reason) => void failures.push(reason),
    onPending: () => undefined,
  });
  const until = async (met: () => boolean) => {
    while (!met()) await new Promise(setImmediate);
  };
  const ids = () => heard.at(-1)?.endpoints.map(({ instanceId, state }) => `${instanceId} ${state}`);
  return { heard, failures, until, ids, close: () => handle.close(), resolver };
}

describe('the instances of a service', () => {
  it('are the endpoints of each slice with the label of the service', async () => {
    api.put(cart([pod('a')]));
    api.put({ name: 'other', labels: { 'rondo/instances': '' }, endpoints: [pod('z')] });
    const { heard, until } = follow();
    await until(() => heard.length === 1);
    expect(heard).toEqual([
      {
        departed: [],
        endpoints: [
          {
            instanceId: 'a',
            address: '10.0.0.1:50051',
            state: 'serving',
            zone: 'cluster/eu-west-1a',
            weight: 100,
            version: '',
            metadata: {},
            incarnation: 0x0123456789ab,
            minPingIntervalMs: 200,
            frames: true,
            services: [SERVICE],
          },
        ],
      },
    ]);
  });

  it('are told by an event each: they come, get ready, drain and go', async () => {
    api.put(cart([]));
    const { heard, until, ids } = follow();
    await until(() => heard.length === 1);
    api.put(cart([pod('a', { conditions: { ready: false } })]));
    await until(() => heard.length === 2);
    expect(ids()).toEqual(['a starting']);
    api.put(cart([pod('a')]));
    await until(() => heard.length === 3);
    expect(ids()).toEqual(['a serving']);
    api.put(cart([pod('a', { conditions: { ready: false, serving: true, terminating: true } }), pod('bb')]));
    await until(() => heard.length === 4);
    expect(ids()).toEqual(['a draining', 'bb serving']);
    api.put(cart([pod('bb')]));
    await until(() => heard.length === 5);
    expect(heard.at(-1)?.departed).toEqual(['a']);
    expect(heard[4]?.endpoints[0]).toBe(heard[3]?.endpoints[1]);
    api.delete('cart');
    await until(() => heard.length === 6);
    expect(heard.at(-1)).toEqual({ endpoints: [], departed: ['bb'] });
  });

  it('are those of all Services with the label, a canary with its percentage, version and weight', async () => {
    api.put(cart([pod('a')]));
    const canary = { ...LABELS, 'rondo/canary': '5', 'rondo/version': '2.1.0', 'rondo/weight': '300' };
    api.put(cart([pod('bb')], { name: 'cart-canary', labels: canary }));
    const { heard, until } = follow();
    await until(() => heard.length === 1);
    expect(heard[0]?.endpoints[1]).toMatchObject({ metadata: { canary: '5' }, version: '2.1.0', weight: 300 });
  });

  it('are those of the Service that the target names, at the port that it names', async () => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'rpc', port: 9_000 },
    ];
    api.put({ name: 'greeter', labels: {}, endpoints: [pod('a')], ports });
    const { heard, until } = follow('helloworld.Greeter', { query: '&port=rpc&helloworld.Greeter=greeter' });
    await until(() => heard.length === 1);
    expect(heard[0]?.endpoints).toMatchObject([{ address: '10.0.0.1:9000' }]);
  });

  it('are listed once, if a pod has addresses of both kinds or moves between slices', async () => {
    api.put(cart([pod('a', { conditions: { ready: false } })]));
    const v6 = pod('a', { addresses: ['fd00::1'] });
    api.put(cart([v6], { name: 'cart-6', addressType: 'IPv6' }));
    const { heard, until } = follow();
    await until(() => heard.length === 1);
    expect(heard[0]?.endpoints).toMatchObject([{ instanceId: 'a', address: '[fd00::1]:50051', state: 'serving' }]);
  });

  it('are those whose hints name the zone of the process, if each has hints', async () => {
    const hinted = (name: string, zone: string) => pod(name, { hints: { forZones: [{ name: zone }] } });
    api.put(cart([hinted('a', 'eu-west-1a'), hinted('bb', 'eu-west-1b')]));
    const { heard, until, ids } = follow(SERVICE, { zone: 'eu-west/eu-west-1b' });
    await until(() => heard.length === 1);
    expect(ids()).toEqual(['bb serving']);
    api.put(cart([hinted('a', 'eu-west-1a'), hinted('bb', 'eu-west-1b'), pod('ccc')]));
    await until(() => heard.length === 2);
    expect(ids()).toEqual(['a serving', 'bb serving', 'ccc serving']);
  });

  it('of all services are those of each Service with the label rondo/instances', async () => {
    api.put(cart([pod('a')]));
    api.put({ name: 'foreign', labels: {}, endpoints: [pod('bb')] });
    const { heard, until, ids } = follow('');
    await until(() => heard.length === 1);
    expect(ids()).toEqual(['a serving']);
  });

  it('come in pages', async () => {
    api.pageSize = 2;
    for (let slice = 0; slice < 5; slice += 1) api.put(cart([pod('x'.repeat(slice + 1))], { name: `cart-${slice}` }));
    const { heard, until } = follow();
    await until(() => heard.length === 1);
    expect(heard[0]?.endpoints).toHaveLength(5);
  });

  it('never are what no slice of Kubernetes has: bad addresses, ports, labels and types are left out', async () => {
    const bad = [pod('a', { addresses: ['evil.example/x'] }), pod('bb', { addresses: [] }), 7, null, 'x'];
    api.put(cart([...bad, pod('ccc')]));
    api.put(cart([pod('dddd')], { name: 'cart-2', ports: [{ name: 'grpc', port: 70_000 }] }));
    api.put(cart([pod('eeeee')], { name: 'cart-3', addressType: 'FQDN' }));
    api.put(cart([pod('ffffff')], { name: 'cart-4', labels: { ...LABELS, 'rondo/weight': '-3' } }));
    const { heard, until, ids } = follow();
    await until(() => heard.length === 1);
    expect(ids()).toEqual(['ccc serving', 'ffffff serving']);
    expect(heard[0]?.endpoints.map(({ weight }) => weight)).toEqual([100, 100]);
  });
});

describe('while the API server is away', () => {
  it('keeps what is known, and goes on from where it was', async () => {
    api.put(cart([pod('a')]));
    const { heard, until, ids, failures } = follow();
    await until(() => heard.length === 1 && api.watches === 1);
    api.failure = 503;
    api.breakWatches();
    await until(() => failures.length > 0);
    api.put(cart([pod('a'), pod('bb')]));
    api.failure = undefined;
    await until(() => heard.length === 2);
    expect(ids()).toEqual(['a serving', 'bb serving']);
  });

  it('lists again if the API server has forgotten the revision', async () => {
    api.put(cart([pod('a')]));
    const { heard, until, ids, failures } = follow();
    await until(() => heard.length === 1 && api.watches === 1);
    api.put(cart([pod('a'), pod('bb')]));
    await until(() => heard.length === 2);
    api.breakWatches({ type: 'ERROR', object: { code: 410, message: 'too old resource version' } });
    await until(() => heard.length === 3);
    expect(ids()).toEqual(['a serving', 'bb serving']);
    expect(failures).toEqual([]);
  });

  it('keeps connected instances if a list names none, as after a lost store', async () => {
    api.put(cart([pod('a')]));
    const { heard, until } = follow();
    await until(() => heard.length === 1 && api.watches === 1);
    api.forget();
    api.breakWatches();
    await until(() => heard.length === 2);
    expect(heard.at(-1)).toEqual({ endpoints: [], departed: [] });
  });

  it('pauses between watches that end at once', async () => {
    api.put(cart([pod('a')]));
    const { heard, until } = follow();
    await until(() => heard.length === 1 && api.watches === 1);
    const before = api.requests.length;
    api.compacted = Number.MAX_SAFE_INTEGER;
    api.breakWatches({ type: 'ERROR', object: { code: 410 } });
    const began = performance.now();
    await until(() => performance.now() - began > 1_000);
    expect(api.requests.length - before).toBeLessThan(12);
  });

  it('says why it is refused', async () => {
    api.failure = 403;
    const { failures, until } = follow();
    await until(() => failures.length > 0);
    expect(failures[0]).toBe('HTTP 403: forbidden for a test');
  });

  it('tells once that it may list and not watch', async () => {
    api.watchFailure = 403;
    const clock = new ManualClock();
    const lines: string[] = [];
    const note = (_fields: object, line: string) => void lines.push(line);
    const logger = { ...silentLogger, warn: note, info: note };
    const { failures, until } = follow(SERVICE, { clock, logger });
    for (let count = 1; count <= 4; count += 1) {
      await until(() => failures.length === count && clock.timers === 1);
      if (count < 4) await clock.advance(15_000);
    }
    expect(lines).toEqual(['the API server is away: calls go on to the known instances']);
    api.watchFailure = undefined;
    await clock.advance(15_000);
    await until(() => lines.length === 2);
    expect(lines.at(-1)).toBe('the API server is back');
  });

  it('stops asking once it is closed', async () => {
    api.put(cart([pod('a')]));
    const { heard, until, close } = follow();
    await until(() => heard.length === 1);
    while (api.watches === 0) await new Promise(setImmediate);
    close();
    while (api.watches > 0) await new Promise(setImmediate);
    expect(api.requests).toHaveLength(2);
  });
});

describe('a token', () => {
  it('is read for each request, as Kubernetes renews it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'rondo-token-'));
    closings.push(() => rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'token');
    writeFileSync(file, 'first\n');
    api.put(cart([pod('a')]));
    const { heard, until } = follow(SERVICE, { query: `&token-file=${file}` });
    await until(() => heard.length === 1 && api.watches === 1);
    writeFileSync(file, 'second');
    api.breakWatches({ type: 'ERROR', object: { code: 410 } });
    await until(() => heard.length === 2);
    const tokens = api.requests.map(({ token }) => token);
    expect([tokens[0], tokens.at(-1)]).toEqual(['Bearer first', 'Bearer second']);
  });
});

it('follows no more than a hundred events a second, and reads no list without an end', async () => {
  const clock = new ManualClock();
  api.put(cart([]));
  const { heard, failures, until } = follow(SERVICE, { clock });
  await until(() => api.watches === 1);
  for (let event = 0; event < 300; event += 1) api.put(cart([pod(`p${event}`)]));
  await until(() => heard.length >= 101); // the list, and the events after the first, which says that the watch began
  for (let turn = 0; turn < 500; turn += 1) await new Promise(setImmediate);
  expect(heard).toHaveLength(101);
  await clock.advance(10);
  await until(() => heard.length >= 102);
  api.pageSize = 1;
  for (let name = 0; name < 3; name += 1)
    api.put(
      cart(
        Array.from({ length: 800_000 }, () => 0),
        { name: `s${name}` },
      ),
    );
  const { failures: refused, until: untilRefused } = follow();
  await untilRefused(() => refused.length === 1);
  expect([failures, refused]).toEqual([[], ['its lists take more than 67108864 bytes']]);
});

describe('a target', () => {
  it.each([
    ['consul://x', 'consul://x: give kubernetes://NAMESPACE, such as kubernetes://shop'],
    ['kubernetes://no_name', 'kubernetes://no_name: no_name is no name of a namespace'],
    ['kubernetes://shop:80', 'kubernetes://shop:80: has more than a namespace and a query'],
    ['kubernetes://shop?server=x', 'kubernetes://shop?(hidden): server x is no URL'],
    ['kubernetes://shop?port=', 'kubernetes://shop?(hidden): port is empty'],
    ['kubernetes://shop?tls=on', '?(hidden): tls is neither server, token-file, ca-file, port nor the full name of a'],
    ['kubernetes://shop?a.B=C_', 'kubernetes://shop?(hidden): a.B=C_: C_ is no name of a Service'],
    ['kubernetes://u:s3cret/x@shop?token=s3cret', /^kubernetes:\/\/\(hidden\)@shop\?\(hidden\): (?!.*s3cret)/],
    [
      'kubernetes://shop?server=http://127.0.0.1:1&ca-file=x',
      'ca-file has no effect without TLS; give server=https://',
    ],
    ['kubernetes://', 'kubernetes://: this process runs in no pod (KUBERNETES_SERVICE_HOST is not set)'],
    ['kubernetes://?server=http://127.0.0.1:1', 'kubernetes://: this process runs in no pod, so name the namespace'],
  ] as const)('%s is refused', (target, message) => {
    expect(() => kubernetesResolver(target, { environment: {} })).toThrow(TypeError);
    expect(() => kubernetesResolver(target, { environment: {} })).toThrow(message);
  });
});
