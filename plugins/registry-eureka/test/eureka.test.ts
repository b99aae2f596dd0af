import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Instance, InstanceStatus, OperatorState } from '@rondo/contracts/rondo/registry/v1/registry';
import { ManualClock } from '@rondo/rpc/testing';
import { fromEntry, toEntry } from '../src/entry.js';
import { eurekaRegistry } from '../src/exports/registry.js';

const SERVICE = 'shop.v1.CartService';
const instance = Instance.fromPartial({
  instanceId: 'cart-1',
  incarnation: 7n,
  services: [SERVICE],
  zone: 'eu/a',
  version: '1.2.3',
  weight: 50,
  endpoints: [{ address: '[fd00::1]:50051', security: 1 }],
  status: InstanceStatus.INSTANCE_STATUS_SERVING,
});
const serviceOf = (name: string) => (name === 'cart' ? SERVICE : name);
const entry = (of = instance) =>
  JSON.parse(JSON.stringify(toEntry(SERVICE, of, { ttlMs: 9_000, dirtyAt: 8 }))).instance;

describe('an entry', () => {
  it('is what Java clients read, and the whole instance', () => {
    expect(entry()).toMatchObject({
      instanceId: `cart-1:${SERVICE}`,
      app: 'SHOP.V1.CARTSERVICE',
      vipAddress: SERVICE,
      ipAddr: 'fd00::1',
      port: { $: 50_051, '@enabled': true },
      securePort: { '@enabled': false },
      status: 'UP',
      lastDirtyTimestamp: 8,
      metadata: { zone: 'eu/a' },
      leaseInfo: { durationInSecs: 5, renewalIntervalInSecs: 3 },
    });
    expect(fromEntry(entry(), serviceOf)).toEqual(instance);
  });

  it('of an earlier version, which has the id of the instance alone, is the same instance', () => {
    expect(fromEntry({ ...entry(), instanceId: 'cart-1' }, serviceOf)).toEqual(instance);
  });

  it.each([
    [InstanceStatus.INSTANCE_STATUS_STARTING, 'STARTING'],
    [InstanceStatus.INSTANCE_STATUS_DRAINING, 'DOWN'],
  ])('of status %i is %s', (status, expected) => {
    expect(entry({ ...instance, status }).status).toBe(expected);
  });

  it('that an operator takes out of service is cordoned', () => {
    const { operatorState } = fromEntry({ ...entry(), status: 'OUT_OF_SERVICE' }, serviceOf) ?? {};
    expect(operatorState).toBe(OperatorState.OPERATOR_STATE_CORDONED);
  });

  it.each<[string, object, object]>([
    ['its port', { port: { $: 80, '@enabled': 'true' } }, { address: '10.0.0.1:80', security: 1 }],
    ['its secure port', { securePort: { $: 443, '@enabled': 'true' } }, { address: '10.0.0.1:443', security: 2 }],
    ['its gRPC port', { port: { $: 80 }, metadata: { gRPC_port: '90' } }, { address: '10.0.0.1:90', security: 1 }],
  ])('of another program is an instance at %s', (_, fields, endpoint) => {
    const foreign = { instanceId: 'x', ipAddr: '10.0.0.1', vipAddress: 'cart', status: 'UP', ...fields };
    expect(fromEntry(foreign, serviceOf)).toMatchObject({
      instanceId: 'x',
      services: [SERVICE],
      status: InstanceStatus.INSTANCE_STATUS_SERVING,
      endpoints: [endpoint],
    });
  });

  it.each([7, null, {}, { ipAddr: 'a', port: { $: 'x' } }])('%p is none', (other) => {
    expect(fromEntry(other, serviceOf)).toBeUndefined();
  });
});

describe('a watch', () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());

  const listed = (id: string, fields: object = {}) => ({ ...entry({ ...instance, instanceId: id }), ...fields });
  const apps = (apps__hashcode: string, ...all: readonly object[]) => ({
    applications: { apps__hashcode, application: [{ name: 'SHOP.V1.CARTSERVICE', instance: all }] },
  });

  /** Follows the service over a server with these answers, by a watch for each list if there are silences. Tells the ids of each list. */
  async function follow(answers: readonly [path: string, body: object][], idleMs = 0) {
    const asked: string[] = [];
    const left = [...answers];
    server = createServer(({ url = '' }, response) => {
      asked.push(url.replace('/eureka/apps', ''));
      response.end(JSON.stringify(left.shift()?.[1] ?? {}));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const clock = new ManualClock();
    const registry = eurekaRegistry(`eureka://127.0.0.1:${port}`, { clock });
    const lists: (string | undefined)[] = [];
    const open = () => registry.watch(SERVICE, new AbortController().signal)[Symbol.asyncIterator]();
    const watch = open();
    try {
      while (left.length > 0 && lists.length < answers.length) {
        await clock.advance(idleMs);
        const next = (idleMs > 0 ? open() : watch).next();
        while (lists.length > 0 && idleMs === 0 && clock.timers === 0) await new Promise(setImmediate);
        await clock.advance(5_000);
        const { value } = await next;
        lists.push(value?.map(({ instanceId }: Instance) => instanceId).join());
      }
    } finally {
      await registry.close();
    }
    expect(asked).toEqual(answers.map(([path]) => path));
    return lists;
  }

  it('asks for all, and then for changes', async () => {
    const lists = await follow([
      ['/', apps('UP_1_', listed('a'))],
      ['/delta', apps('UP_2_', listed('b', { actionType: 'ADDED' }))],
      ['/delta', apps('UP_2_', listed('b', { actionType: 'ADDED' }))],
      ['/delta', apps('UP_1_', listed('a', { actionType: 'DELETED' }))],
    ]);
    expect(lists).toEqual(['a', 'a,b', undefined, 'b']);
  });

  it('has the instances of clients that give no ids, by their hosts', async () => {
    const foreign = (hostName: string) => ({
      hostName,
      ipAddr: '10.0.0.1',
      port: { $: 80 },
      vipAddress: 'cart',
      status: 'UP',
    });
    expect(await follow([['/', apps('UP_2_', foreign('h1'), foreign('h2'))]])).toEqual(['h1,h2']);
  });

  it('asks for all again if the changes do not give what the server has', async () => {
    const lists = await follow([
      ['/', apps('UP_1_', listed('a'))],
      ['/delta', apps('UP_2_')],
      ['/', apps('UP_2_', listed('b'), listed('c'))],
    ]);
    expect(lists).toEqual(['a', 'b,c']);
  });

  it.each([
    [5_000, '/delta'],
    [60_000, '/'], // for longer than the server keeps changes
  ])('begins after a silence of %i ms with what is listed now, asking for %s', async (idleMs, path) => {
    const lists = await follow(
      [
        ['/', apps('UP_1_', listed('a'))],
        [path, apps('UP_2_', listed('a'), listed('b'))],
      ],
      idleMs,
    );
    expect(lists).toEqual(['a', 'a,b']);
  });

  it('refuses more instances than there can be', async () => {
    const many = Array.from({ length: 100_000 }, (_, id) => ({ instanceId: `i-${id}` }));
    await expect(follow([['/', apps('', ...many)]])).rejects.toThrow('it names more than 50000 instances');
  });

  it('of what is no Eureka says so', async () => {
    await expect(follow([['/', {}]])).rejects.toThrow('/eureka/apps is not of Eureka; give eureka://HOST:PORT/PATH');
  });
});
