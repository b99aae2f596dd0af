/** The packages that had another name in version 0.2: packing writes them anew, for one version. No folder has their sources. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Manifest, Staged } from './stage.js';

/** The entries of 0.2, with what each re-exports. */
const RENAMED: Readonly<Record<string, readonly [string, ...string[]]>> = {
  '@rondo/access': ['@rondo/resources', '@rondo/service'],
  '@rondo/consul': ['@rondo/registry-consul/registry'],
  '@rondo/dynamic': ['@rondo/schema'],
  '@rondo/eureka': ['@rondo/registry-eureka/registry'],
  '@rondo/kubernetes': ['@rondo/registry-kubernetes/resolver'],
  '@rondo/nats': ['@rondo/topics-nats/broker'],
  '@rondo/sync': ['@rondo/resources'],
  '@rondo/zookeeper': ['@rondo/registry-zookeeper/registry'],
};
/** The entry of a package that stays. An app that imports it installs the package of the plugin. */
const MOVED = { name: '@rondo/cache', entry: 'redis', to: '@rondo/cache-redis/store' };

const packageOf = (module: string) => module.split('/').slice(0, 2).join('/');
const filesOf = (entry: string) => ({ types: `./dist/exports/${entry}.d.ts`, default: `./dist/exports/${entry}.js` });

/** The manifests of the old names, each with the folder of the package that has the code now. */
export function renamed(packages: readonly Pick<Staged, 'source' | 'manifest'>[]): typeof packages {
  return Object.entries(RENAMED).flatMap(([name, modules]) => {
    const now = packages.find(({ manifest }) => manifest.name === packageOf(modules[0]));
    if (now === undefined) return [];
    const description = `The name of ${modules[0]} in version 0.2, for one version more.`;
    const named = Object.fromEntries(modules.map((module) => [packageOf(module), 'workspace:*']));
    const dependencies = { ...named, ...now.manifest.dependencies };
    const manifest = { ...now.manifest, name, description, exports: { '.': filesOf('index') }, dependencies };
    return [{ source: now.source, manifest }];
  });
}

/** A manifest with the entry that has moved to a plugin. */
export function withMoved(manifest: Manifest): Manifest {
  if (manifest.name !== MOVED.name) return manifest;
  const plugin = packageOf(MOVED.to);
  return {
    ...manifest,
    exports: { ...manifest.exports, [`./${MOVED.entry}`]: filesOf(MOVED.entry) },
    peerDependencies: { ...manifest.peerDependencies, [plugin]: manifest.version },
    peerDependenciesMeta: { [plugin]: { optional: true } },
  };
}

/** Writes the entries of 0.2 that a package has. @returns whether the package has no others. */
export function writeRenamed({ folder, manifest }: Staged): boolean {
  const modules = RENAMED[manifest.name];
  const write = (entry: string, from: readonly string[]) => {
    const text = from.map((module) => `export * from '${module}';\n`).join('');
    mkdirSync(path.join(folder, 'dist/exports'), { recursive: true });
    for (const kind of ['js', 'd.ts']) {
      writeFileSync(path.join(folder, `dist/exports/${entry}.${kind}`), text);
    }
  };
  if (modules !== undefined) write('index', modules);
  else if (manifest.name === MOVED.name) write(MOVED.entry, [MOVED.to]);
  return modules !== undefined;
}
