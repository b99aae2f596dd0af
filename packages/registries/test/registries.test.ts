import { describe, expect, it } from '@jest/globals';
import { Instance, OperatorState } from '@rondo/contracts/rondo/registry/v1/registry';
import { silentLogger } from '@rondo/rpc/call';
import type { Resolution } from '@rondo/rpc/internal';
import { ManualClock, seededRandom } from '@rondo/rpc/testing';
import {
  adapterResolver,
  fromRecord,
  latest,
  parseLocation,
  type RegistryAdapter,
  toRecord,
} from '../src/exports/index.js';

describe('a location', () => {
  it('has servers, a path, keys, and names of services', () => {
    const text = 'consul://10.0.0.7,[fd00::1]:8501/a/b/?dc=eu&greeter.v1.Greeter=greeter';
    const { nameOf, serviceOf, ...location } = parseLocation(text, { scheme: 'consul', port: 8500, keys: ['dc'] });
    expect(location).toEqual({
      servers: ['10.0.0.7:8500', '[fd00::1]:8501'],
      path: '/a/b',
      options: new Map([['dc', 'eu']]),
      address: 'consul://10.0.0.7:8500,[fd00::1]:8501/a/b',
    });
    expect([nameOf('greeter.v1.Greeter'), nameOf('x.Y'), serviceOf('greeter'), serviceOf('x.Y')]).toEqual([
      'greeter',
      'x.Y',
      'greeter.v1.Greeter',
      'x.Y',
    ]);
  });

  it.each([
    ['other://h', 'give consul://HOST:PORT, such as consul://10.0.0.7:8500'],
    ['consul://', 'give consul://HOST:PORT'],
    ['consul://user:secret@h', 'give consul://HOST:PORT'],
    ['consul://h:0', 'h:0 is no HOST:PORT'],
    ['consul://h,h:99999', 'h:99999 is no HOST:PORT'],
    ['consul://h?dc=', 'dc is empty; give dc=VALUE'],
    ['consul://user:s3cret?x@h', /^(?!.*s3cret)give consul:/],
    ['consul://user?s3cret=x@h', /^(?!.*s3cret)give consul:/],
    ['consul://user:s3cret', /^user is no HOST:PORT/],
    ['consul://h?tsl=on', 'tsl is neither tls, ca-file, dc nor the full name of a service'],
    ['consul://h?tls=off&tls=on', 'tls is given twice'],
    ['consul://h?ca-file=x', 'ca-file has no effect without TLS; give tls=on, too'],
    ['consul://h?tls=true', 'tls is true; give on or off'],
    ['consul://h?tls=ON', 'tls is ON; give on or off'],
    ['consul://h?tls=1', 'tls is 1; give on or off'],
    ['consul://h?tls=yes', 'tls is yes; give on or off'],
    ['consul://h?a-b=c', 'a-b is neither tls, ca-file, dc nor the full name of a service'],
  ] as const)('%s is refused', (text, message) => {
    const parse = () => parseLocation(text, { scheme: 'consul', port: 8500, keys: ['tls', 'ca-file', 'dc'] });
    expect(parse).toThrow(TypeError);
    expect(parse).toThrow(message);
  });
});

describe('a record', () => {
  it('is the whole instance in one text', () => {
    const instance = Instance.fromPartial({ instanceId: 'a', incarnation: 7n, metadata: { name: 'Zoë' } });
    expect(fromRecord(toRecord(instance))).toEqual(instance);
    expect(toRecord(instance)).toMatch(/^[\w+/=]+$/);
  });

  it.each([undefined, 7, '', '////', 'A'.repeat(40_000)])('%p is none', (text) => {
    expect(fromRecord(text)).toBeUndefined();
  });
});

it('has the latest instance of an id, cordoned if one of its entries is', () => {
  const { OPERATOR_STATE_CORDONED: cordoned } = OperatorState;
  const entry = (incarnation: bigint, fields = {}) => Instance.fromPartial({ instanceId: 'a', incarnation, ...fields });
  expect(latest([entry(2n, { operatorState: cordoned }), entry(2n)])).toMatchObject([{ operatorState: cordoned }]);
  expect(latest([entry(1n, { operatorState: cordoned }), entry(2n), entry(1n)])).toEqual([entry(2n)]);
});

/** A resolver over a registry that lists what `list` returns again and again; undefined for no change. */
function over(list: (service: string) => readonly Instance[] | undefined, logger = silentLogger) {
  const unused = () => Promise.reject(new Error('not part of this test'));
  const clock = new ManualClock();
  const adapter: RegistryAdapter = {
    address: 'memory://',
    write: unused,
    renew: unused,
    remove: unused,
    close: async () => undefined,
    async *watch(service) {
      for (;;) {
        await new Promise(setImmediate);
        yield list(service);
      }
    },
  };
  const resolver = adapterResolver(adapter, { clock, random: seededRandom(1), logger });
  const failures: string[] = [];
  const onFailure = (reason: string) => void failures.push(reason);
  const listener = { onFailure, onResolution: () => undefined, onPending: () => undefined };
  return { clock, failures, resolver, resolve: (service: string) => resolver.resolve(service, listener) };
}

const turns = async () => {
  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
};

it('asks a registry that always has news ten times a second', async () => {
  let asked = 0;
  const { clock, resolver, resolve } = over(() => {
    asked += 1;
    return [];
  });
  resolve('x.Y');
  await turns();
  expect(asked).toBe(11);
  await clock.advance(100);
  await turns();
  expect(asked).toBe(12);
  resolver.close();
});

it('keeps no more of all lists together than 64 MiB', async () => {
  const large = 'x'.repeat(40 * 2 ** 20);
  const listed = new Set<string>();
  const { failures, resolver, resolve } = over((service) => {
    if (listed.has(service)) return undefined;
    listed.add(service);
    return [Instance.fromPartial({ instanceId: service, metadata: { large } })];
  });
  resolve('x.Y');
  await turns();
  expect(failures).toEqual([]);
  resolve('x.Z');
  await turns();
  expect(failures[0]).toBe('its lists take more than 67108864 bytes');
  resolver.close();
});

/** What a resolver makes of the lists of a registry, until their end. */
async function hear(lists: readonly (readonly Instance[])[], logger = silentLogger) {
  const adapter: Pick<RegistryAdapter, 'address' | 'watch'> = {
    address: 'memory://',
    async *watch() {
      yield* lists;
      throw new Error('the end');
    },
  };
  const unused = () => Promise.reject(new Error('not part of this test'));
  const all = { ...adapter, write: unused, renew: unused, remove: unused, close: async () => undefined };
  const resolver = adapterResolver(all, { clock: new ManualClock(), random: seededRandom(1), logger });
  const heard: Resolution[] = [];
  const failures: string[] = [];
  resolver.resolve('x.Y', {
    onResolution: (resolution) => void heard.push(resolution),
    onFailure: (reason) => void failures.push(reason),
    onPending: () => undefined,
  });
  while (failures.length === 0) await new Promise(setImmediate);
  resolver.close();
  return { heard, failures };
}

it('lists instances without the times that the writers of their entries give', async () => {
  const times = { registerTime: new Date(1_000), serviceTimes: { 'x.Y': new Date(1_000) } };
  const endpoints = [{ address: '10.0.0.1:1', security: 1 }];
  const { heard } = await hear([[Instance.fromPartial({ instanceId: 'a', endpoints, ...times })]]);
  expect(heard[0]?.endpoints[0]).toMatchObject({ address: '10.0.0.1:1' });
  expect(heard[0]?.endpoints[0]).not.toHaveProperty('registerTimeMs');
});

it('lists no instance with control characters or link-local addresses, says so, and lists no more instances than there can be', async () => {
  const endpoints = [{ address: '10.0.0.1:1', security: 1 }];
  const warned: object[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void warned.push(fields) };
  const at = (address: string, place: number) => named(`at-${place}`, { endpoints: [{ address, security: 1 }] });
  const named = (instanceId: string, fields = {}) => Instance.fromPartial({ instanceId, endpoints, ...fields });
  const lists = [
    [named('a'), named('b\u001b[2J'), named('c', { metadata: { x: '\r' } }), named('d', { services: ['\0'] })],
    [
      ...['169.254.169.254:80', '2852039166:80', '[fe80::1]:80', '[::ffff:a9fe:a9fe]:80', '[fd00:ec2::254]:80'],
      ...['unix:/run/docker.sock', 'b\n:80', '10.0.0.2:80', 'cart-2:80', '[fd00::1]:80'],
    ].map(at),
    Array.from({ length: 100_000 }, (_, id) => named(`i-${id}`)),
  ];
  const { heard, failures } = await hear(lists, logger);
  expect(heard.map(({ endpoints: listed }) => listed.map(({ address }) => address))).toEqual([
    ['10.0.0.1:1'],
    ['10.0.0.2:80', 'cart-2:80', '[fd00::1]:80'],
  ]);
  expect(warned.filter((fields) => 'refused' in fields)).toMatchObject([{ refused: 3 }, { refused: 7 }]);
  expect(failures[0]).toBe('it names more than 50000 instances');
});

it('says that instances of a service are left out once, whatever it lists of another', async () => {
  const warned: object[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void warned.push(fields) };
  const { resolver, resolve } = over(
    (service) => (service === 'x.Y' ? [Instance.fromPartial({ instanceId: '\0' })] : []),
    logger,
  );
  resolve('x.Y');
  resolve('x.Z');
  await turns();
  expect(warned.filter((fields) => 'refused' in fields)).toMatchObject([{ service: 'x.Y', refused: 1 }]);
  resolver.close();
});
