/** The folders of the packages that are published, with what their tarballs hold. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../process.mjs';
import { compact, isPublishedStub, writeContracts } from './contracts.mjs';
import { pinnedVersions } from './pinned-versions.mjs';
import { toolManifest, writeTool } from './tool.mjs';

const TOOL = '@rondo/tool';
const CREATE = 'create-rondo';
const filter = (file) => !/[\\/](?:node_modules|dist)$|\.(?:ci|long)\.test\.ts$/.test(file);

/**
 * @typedef {object} Staged A package that is published.
 * @property {string} source The folder that it is made of.
 * @property {string} folder What is packed.
 * @property {{ name: string, version: string }} manifest
 */

/**
 * Writes the folders of all packages, sorted by name.
 * @param {string} staging A folder below the root. It becomes a workspace of pnpm.
 * @param {string} [version] Of all of them; by default those of the manifests.
 * @returns {Promise<Staged[]>}
 */
export async function stage(staging, version) {
  const packages = published().map(({ source, manifest }) => ({
    source,
    manifest: { ...manifest, version: version ?? manifest.version },
  }));
  const versions = new Map(packages.map(({ manifest }) => [manifest.name, manifest.version]));
  writeFileSync(path.join(staging, 'pnpm-workspace.yaml'), 'packages: ["*"]\n');
  const staged = packages.map(({ source, manifest }) => ({
    source,
    folder: path.join(staging, path.basename(source)),
    manifest: released(manifest.name === TOOL ? toolManifest(manifest) : manifest, versions),
  }));
  for (const one of staged) await write(one);
  return staged;
}

/** The packages and services whose manifests aren't private. */
function published() {
  const folders = ['packages', 'services'].flatMap((parent) =>
    readdirSync(path.join(root, parent)).map((name) => path.join(root, parent, name)),
  );
  return [...folders, path.join(root, 'scripts')]
    .filter((source) => existsSync(path.join(source, 'package.json')))
    .map((source) => ({ source, manifest: JSON.parse(readFileSync(path.join(source, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => !manifest.private)
    .sort((one, other) => (one.manifest.name < other.manifest.name ? -1 : 1));
}

/** The manifest with the versions of packages of the workspace, and without what only their development needs. */
function released({ devDependencies: _, ...manifest }, versions) {
  const pinned = Object.entries(manifest.dependencies ?? {}).map(([name, range]) => [
    name,
    versions.get(name) ?? range,
  ]);
  return { ...manifest, dependencies: Object.fromEntries(pinned) };
}

async function write({ source, folder, manifest }) {
  const contracts = manifest.name === '@rondo/contracts';
  if (manifest.name === TOOL) await writeTool(folder);
  else
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
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** What `create-rondo --samples` copies. */
async function sampleFiles() {
  const { samplesIn } = await import('create-rondo');
  const { services, contracts } = samplesIn(root);
  const folders = [...services.map((name) => `services/${name}`), ...contracts.map((name) => `proto/${name}`)];
  return [...folders, 'buf.yaml', 'docker-compose.yml'];
}

/** The compiled files whose sources exist: the compiler leaves those of removed sources. */
function compiled(source) {
  const isCurrent = (file) => existsSync(path.join(source, 'src', file.replace(/(?:\.d\.ts|\.js)$/, '.ts')));
  const files = readdirSync(path.join(source, 'dist'), { recursive: true });
  return files.filter((file) => /(?:\.d\.ts|\.js)$/.test(file) && isCurrent(file));
}

/** A source map would name sources that aren't packed. */
const withoutMap = (code) => code.replace(/^\/\/# sourceMappingURL=.*\n?/m, '');
