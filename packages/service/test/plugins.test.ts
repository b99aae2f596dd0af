import { afterAll, describe, expect, it } from '@jest/globals';
import type { StorePlugin } from '@rondo/cache';
import type { RegistryPlugin } from '@rondo/registries';
import type { Resolver } from '@rondo/rpc/client';
import { closeAll, start } from './started.js';

afterAll(closeAll);

const TOKENS = { RONDO_AUTH_ISSUER: 'https://login.example.com/', RONDO_AUTH_AUDIENCE: 'shop' };

describe('a service whose app passes no plugin', () => {
  it.each([
    [{ RONDO_REGISTRY: 'consul://:secret@127.0.0.1:1' }, 'RONDO_REGISTRY: consul://… ', 'registry-consul'],
    [{ RONDO_REGISTRY: 'eureka://127.0.0.1:1' }, 'RONDO_REGISTRY: eureka://… ', 'registry-eureka'],
    [{ RONDO_REGISTRY: 'kubernetes://shop' }, 'RONDO_REGISTRY: kubernetes://… ', 'registry-kubernetes'],
    [{ RONDO_REGISTRY: 'zookeeper://127.0.0.1:1' }, 'RONDO_REGISTRY: zookeeper://… ', 'registry-zookeeper'],
    [{ RONDO_CACHE: 'rediss://:secret@127.0.0.1:1' }, 'RONDO_CACHE: rediss://… ', 'cache-redis'],
    [TOKENS, 'RONDO_AUTH_ISSUER: ', 'authentication'],
    [{ RONDO_API_KEYS: '/keys.json' }, 'RONDO_API_KEYS: ', 'authentication'],
  ])('does not start with %p, and names the command', async (environment, subject, plugin) => {
    const error: unknown = await start({ environment }).catch((fault: unknown) => fault);
    const remedy = `run \`rondo add ${plugin}\`, which adds it to the dependencies and to runService's plugins`;
    expect(error).toMatchObject({
      name: 'ConfigurationError',
      faults: [`${subject}needs the plugin @rondo/${plugin}: ${remedy}`],
    });
  });

  it('does not start with a registry of a kind that Rondo has no plugin for', async () => {
    await expect(start({ environment: { RONDO_REGISTRY: 'etcd://127.0.0.1:1' } })).rejects.toThrow(
      "RONDO_REGISTRY: needs a plugin that opens it: add it to runService's plugins",
    );
  });
});

describe('a plugin of another publisher', () => {
  const opened: string[] = [];
  const resolver: Resolver = { source: 'a test', remedy: 'none', resolve: () => ({ close() {} }), close() {} };
  const nacos = (schemes: readonly string[]): RegistryPlugin => ({
    kind: 'registry',
    package: 'rondo-nacos',
    schemes,
    async load() {
      return (url) => {
        if (url.endsWith('/?')) throw new TypeError('the key is missing');
        opened.push(`${schemes}: ${url}`);
        return { resolver };
      };
    },
  });

  it('is picked by its scheme', async () => {
    const plugins = [nacos(['other']), nacos(['nacos'])];
    await start({ environment: { RONDO_REGISTRY: 'nacos://127.0.0.1:1' }, plugins });
    expect(opened).toEqual(['nacos: nacos://127.0.0.1:1']);
  });

  it('is the store of kept answers that RONDO_CACHE names', async () => {
    const store = { take: async () => ({ kind: 'none' as const }), fill() {}, remove: async () => true, close() {} };
    const urls: string[] = [];
    const redis: StorePlugin = {
      kind: 'cache',
      package: 'rondo-redis',
      schemes: ['redis'],
      async open({ url }) {
        urls.push(url);
        return store;
      },
    };
    const environment = { RONDO_CACHE: 'redis://127.0.0.1:1' };
    // A registry of that scheme is none.
    await start({ environment, plugins: [nacos(['redis']), redis] });
    expect(urls).toEqual(['redis://127.0.0.1:1']);
  });

  it('has a fault of its URL reported as one of the configuration', async () => {
    const starting = start({ environment: { RONDO_REGISTRY: 'nacos://127.0.0.1/?' }, plugins: [nacos(['nacos'])] });
    await expect(starting).rejects.toThrow('RONDO_REGISTRY: the key is missing');
  });
});
