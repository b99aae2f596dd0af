import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../test/scaffold/folder.js';
import { drawPlugins, pluginsInUse } from './plugins.js';

const MAIN = `import { runService } from '@rondo/service';

await runService({ name: 'a', port: 50060, createApp });
`;

/** An app that installs Rondo's packages, with two services. */
const app = (files: Readonly<Record<string, string>> = {}) =>
  new Folder({
    'package.json': '{ "devDependencies": { "@rondo/tool": "1.2.3" } }',
    'packages/contracts/package.json': '{ "name": "@shop/contracts" }',
    ...Object.fromEntries(
      ['cart', 'shelf'].flatMap((name, index) => [
        [`services/${name}/package.json`, JSON.stringify({ rondo: { port: 50060 + index, contracts: ['a.proto'] } })],
        [`services/${name}/tsconfig.json`, '{}\n'],
        [`services/${name}/src/main.ts`, MAIN],
      ]),
    ),
    ...files,
  });

describe('plugins', () => {
  it('are added to all services, or to some, by the version of the tool', () => {
    using one = app();
    const all = drawPlugins(one.path, { change: 'add', names: ['registry-consul', 'cache-redis'], services: [] });
    expect([...all.keys()]).toEqual(
      ['cart', 'shelf'].flatMap((name) => [`services/${name}/package.json`, `services/${name}/src/main.ts`]),
    );
    expect(JSON.parse(all.get('services/cart/package.json') ?? '').dependencies).toEqual({
      '@rondo/cache-redis': '1.2.3',
      '@rondo/registry-consul': '1.2.3',
    });
    expect(all.get('services/cart/src/main.ts')).toContain('createApp, plugins: [consul, redis] });');
    const some = drawPlugins(one.path, { change: 'add', names: ['registry-consul'], services: ['shelf'] });
    expect([...some.keys()].every((file) => file.startsWith('services/shelf/'))).toBe(true);
  });

  it('are added once, and taken out again', () => {
    using before = app();
    const add = { change: 'add', names: ['authentication'] } as const;
    const added = drawPlugins(before.path, add);
    using after = app(Object.fromEntries(added));
    expect(drawPlugins(after.path, add).size).toBe(0);
    const removed = drawPlugins(after.path, { ...add, change: 'remove' });
    expect(removed.get('services/cart/src/main.ts')).toBe(MAIN);
    expect(JSON.parse(removed.get('services/cart/package.json') ?? '').dependencies).toEqual({});
  });

  it.each([
    [{ names: ['registry-etcd'] }, 'there is no plugin "registry-etcd"; there are: authentication, balancing, '],
    [{ names: ['cache-redis'], services: ['till'] }, 'there is no service "till"; there are: cart, shelf'],
  ])('are refused: %p', (asked, message) => {
    using one = app();
    expect(() => drawPlugins(one.path, { change: 'add', ...asked })).toThrow(message);
  });

  it('that an app of 0.2 uses are known by its files', () => {
    using none = app();
    expect(pluginsInUse(none.path)).toEqual([]);
    using one = app({
      'docker-compose.yml': 'x-environment: { RONDO_CACHE: "redis://cache:6379", RONDO_ZONE: "eu/a" }\n',
      'infra/kubernetes/base/kustomization.yaml': 'literals: [RONDO_REGISTRY=kubernetes://]\n',
      '.env': 'RONDO_TOPICS=nats://nats:4222\n',
      'proto/shop/v1/shop.proto': '    hedge: {}\n',
    });
    expect(pluginsInUse(one.path)).toEqual(['balancing', 'cache-redis', 'registry-kubernetes', 'topics-nats']);
    const changed = { 'docker-compose.yml': 'OTEL_TRACES_EXPORTER: none\n' };
    expect(pluginsInUse(one.path, changed)).toEqual(['balancing', 'registry-kubernetes', 'telemetry', 'topics-nats']);
  });

  it.each([
    ['proto/a.proto', 'balancing: {policy: BALANCING_POLICY_RING_HASH}'],
    ['proto/a.proto', 'option (rondo.options.v1.service).balancing.policy = BALANCING_POLICY_ZONE_AWARE;'],
    ['proto/a.proto', 'balancing: {subset_size: 20}'],
    ['proto/a.proto', 'breaker {min_calls: 5}'],
    ['proto/a.proto', 'option (rondo.options.v1.method).bulkhead.max_calls = 5;'],
    ['.env', "RONDO_BALANCING='*=zone_aware'"],
    ['.env', "RONDO_BALANCING='*=round_robin?subset=20'"],
    ['infra/kubernetes/base/kustomization.yaml', 'literals: [RONDO_BREAKER=*=on]'],
  ])('the policies of channels are known in %s by %s', (file, text) => {
    using one = app({ [file]: `${text}\n` });
    expect(pluginsInUse(one.path)).toEqual(['balancing']);
  });

  it('no policy of the plugin is known by one that every channel has', () => {
    using one = app({ '.env': 'RONDO_BALANCING=*=least_request\n', 'proto/a.proto': 'hash_key: {field: "name"}\n' });
    expect(pluginsInUse(one.path)).toEqual([]);
  });
});
