/** The folders of the packages that are published, with what their tarballs hold. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow, projectFolders, readJson, root, tool, writeJoin } from '@rondo/tool/workspace';
import { build } from 'esbuild';
import { compact, isPublishedStub, writeContracts } from './contracts.js';

const TOOL = '@rondo/tool';
const CREATE = 'create-rondo';
const filter = (file: string) => !/[\\/](?:node_modules|dist)$|\.(?:ci|long)\.test\.ts$/.test(file);

/**
 * Packages of Rondo whose classes and contexts an app and other packages hand to each other. Libraries take them as peers, so that an
 * app with two versions of them isn't installed.
 */
const PEERS = ['@rondo/database', '@rondo/rpc'];

/** What the template pins: the versions that this repository is tested with. `version` is that of Rondo. */
export function pinnedVersions(): Readonly<Record<string, string>> & { readonly version: string } {
  const { version, packageManager, devDependencies } = readJson(path.join(root, 'package.json'));
  const { dependencies } = readJson(path.join(root, 'packages/rondo/package.json'));
  return { ...dependencies, ...devDependencies, version, pnpm: packageManager };
}

/** The fields of a package.json that are read or changed here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly description?: string;
  readonly homepage?: string;
  readonly private?: boolean;
  readonly bin?: object;
  readonly files?: readonly string[];
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly dependencies?: Dependencies;
  readonly devDependencies?: Dependencies;
  readonly optionalDependencies?: Dependencies;
  readonly peerDependencies?: Dependencies;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>;
}

type Dependencies = Readonly<Record<string, string>>;

/** A package that is published. */
export interface Staged {
  /** The folder that it is made of, by which its dependencies are installed. */
  readonly source: string;
  /** What is packed. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** What all packages of a release have. */
export interface Release {
  /** By default that of the repository's manifest. */
  readonly version?: string | undefined;
  /** Where the repository is, as an https address. */
  readonly repository?: string | undefined;
}

/** Writes the folders of all packages, sorted by name, into a folder below the root, which becomes a workspace of pnpm. */
export async function stage(
  staging: string,
  { version = pinnedVersions().version, repository }: Release = {},
): Promise<readonly Staged[]> {
  const current = published();
  const packages = [...current, ...renamed(current)]
    .map(({ source, manifest }) => ({ source, manifest: withMoved({ ...manifest, version }) }))
    .sort((one, other) => (one.manifest.name < other.manifest.name ? -1 : 1));
  const names = packages.map(({ manifest }) => manifest.name);
  writeFileSync(path.join(staging, 'pnpm-workspace.yaml'), 'packages: ["*"]\n');
  const staged = packages.map(({ source, manifest }) => ({
    source,
    folder: path.join(staging, manifest.name.replace('/', '-')),
    manifest: {
      ...released(manifest.name === TOOL ? toolManifest(manifest) : manifest, names),
      ...(repository && placeOf(source, repository)),
    },
  }));
  for (const one of staged) await write(one);
  return staged;
}

/** The packages and services whose manifests aren't private. */
function published(): readonly Pick<Staged, 'source' | 'manifest'>[] {
  return projectFolders(root)
    .map((folder) => path.join(root, folder))
    .map((source) => ({ source, manifest: readJson(path.join(source, 'package.json')) }))
    .filter(({ manifest }) => !manifest.private);
}

/** The manifest with the versions of packages of the workspace, and without what only their development needs. */
function released({ devDependencies: _, ...manifest }: Manifest, names: readonly string[]): Manifest {
  const all = Object.entries(manifest.dependencies ?? {}).map(([name, range]): [string, string] => [
    name,
    names.includes(name) ? manifest.version : range,
  ]);
  // A program is alone in its process.
  const isPeer = ([name]: [string, string]) => manifest.bin === undefined && PEERS.includes(name);
  const peers = [...Object.entries(manifest.peerDependencies ?? {}), ...all.filter(isPeer)];
  return {
    ...manifest,
    dependencies: Object.fromEntries(all.filter((one) => !isPeer(one))),
    ...(peers.length > 0 && { peerDependencies: Object.fromEntries(peers) }),
  };
}

/** Provenance needs the repository that the package was made in. */
function placeOf(source: string, repository: string): object {
  const directory = path.relative(root, source);
  return {
    homepage: `${repository}/tree/main/docs`,
    repository: { type: 'git', url: `git+${repository}.git`, directory },
  };
}

async function write(staged: Staged): Promise<void> {
  const { source, folder, manifest } = staged;
  const contracts = manifest.name === '@rondo/contracts';
  if (manifest.name === TOOL) await writeTool(folder);
  else if (!writeRenamed(staged))
    for (const file of compiled(source).filter((one) => !contracts || isPublishedStub(one))) {
      const code = withoutMap(readFileSync(path.join(source, 'dist', file), 'utf8'));
      const to = path.join(folder, 'dist', file);
      mkdirSync(path.dirname(to), { recursive: true });
      writeFileSync(to, contracts && file.endsWith('.js') ? compact(code) : code);
    }
  for (const other of manifest.files?.filter((name) => name !== 'dist' && existsSync(path.join(source, name))) ?? []) {
    cpSync(path.join(source, other), path.join(folder, other), { recursive: true });
  }
  if (contracts) await writeContracts(folder);
  if (manifest.name === CREATE) {
    const versions = { ...pinnedVersions(), version: manifest.version };
    writeFileSync(path.join(folder, 'versions.json'), JSON.stringify(versions));
    for (const file of await sampleFiles())
      cpSync(path.join(root, file), path.join(folder, 'samples', file), { recursive: true, filter });
  }
  cpSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'));
  writeFileSync(path.join(folder, 'README.md'), readmeOf(staged));
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** What `create-rondo --samples` copies. */
async function sampleFiles(): Promise<readonly string[]> {
  const { samplesIn } = await import('create-rondo');
  const { services, contracts } = samplesIn(root);
  const folders = [...services.map((name) => `services/${name}`), ...contracts.map((name) => `proto/${name}`)];
  return [...folders, 'infra/observe', 'buf.yaml', 'docker-compose.yml'];
}

/** The compiled files whose sources exist: the compiler leaves those of removed sources. */
function compiled(source: string): readonly string[] {
  const isCurrent = (file: string) => existsSync(path.join(source, 'src', file.replace(/(?:\.d\.ts|\.js)$/, '.ts')));
  const files = filesBelow(path.join(source, 'dist'));
  return files.filter((file) => /(?:\.d\.ts|\.js)$/.test(file) && isCurrent(file));
}

/** A source map would name sources that aren't packed. */
const withoutMap = (code: string) => code.replace(/^\/\/# sourceMappingURL=.*\n?/m, '');

/** The entry that tells what a package is for; by default the one with the package's own name. */
const FIRST_ENTRY: Readonly<Record<string, string>> = { '@rondo/rpc': 'client' };

/** A folder with a README.md of its own is asked first, then the head of its first entry. */
function readmeOf({ source, manifest }: Staged): string {
  const { name, description, version, homepage } = manifest;
  const own = path.join(source, 'README.md');
  const text = existsSync(own)
    ? readFileSync(own, 'utf8').trim()
    : `# ${name}\n\n${description}\n\n${headOf(source, name)}`;
  const docs = homepage === undefined ? "`docs/` of Rondo's repository" : `[the documentation](${homepage})`;
  const others = name.startsWith('@rondo/')
    ? ` All packages of Rondo have one version, and work together at \`${version}\`.`
    : '';
  return `${text}\n\n## More\n\nGuides and the reference of the API are in ${docs}.${others}\n`;
}

/** The docstring at the head of the package's first entry, as Markdown. */
function headOf(source: string, name: string): string {
  const entry = path.join(source, 'src/exports', `${FIRST_ENTRY[name] ?? 'index'}.ts`);
  const [, text = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(entry, 'utf8')) ?? [];
  return text.replace(/^ *\* ?/gm, '').trim();
}

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
function renamed(packages: readonly Pick<Staged, 'source' | 'manifest'>[]): typeof packages {
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
function withMoved(manifest: Manifest): Manifest {
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
function writeRenamed({ folder, manifest }: Staged): boolean {
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

/** What works on Rondo's own repository alone. */
const LEFT_OUT = ['reference', 'workspace'];

/** The scripts of this package that the tool of 0.2.0 runs when it upgrades an app, each with the arguments of {@link writeTool}'s program. */
const OF_0_2 = { 'migrate.mjs': ['migrate'], 'relock.mjs': ['install'], 'run.mjs': [] };

/** Writes the files of the package into a folder. */
async function writeTool(folder: string): Promise<void> {
  const { programs, esbuild } = readJson(path.join(tool, 'programs.json'));
  const entryPoints = Object.fromEntries(Object.entries(programs).filter(([name]) => !LEFT_OUT.includes(name)));
  const outdir = path.join(folder, 'dist');
  await build({ ...esbuild, outdir, absWorkingDir: root, entryPoints, logLevel: 'silent' });
  const agent = path.join(outdir, 'join.mjs');
  await writeJoin(agent);
  rmSync(`${agent}.map`);
  for (const [script, args] of Object.entries(OF_0_2)) {
    const text = `process.argv.splice(2, 0, ...${JSON.stringify(args)});\nawait import('./dist/main.mjs');\n`;
    writeFileSync(path.join(folder, script), text);
  }
}

/** The manifest of the package, without the entries that only Rondo's own repository has. */
const toolManifest = (own: Manifest): Manifest => ({
  ...own,
  exports: { './jest': own.exports?.['./jest'] },
  files: [...(own.files ?? []), ...Object.keys(OF_0_2)],
});
