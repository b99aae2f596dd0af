/** The folders of the packages that are published, with what their tarballs hold. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../process.mjs';
import { compact, isPublishedStub, writeContracts } from './contracts.mjs';

/**
 * @typedef {object} Staged A package that is published.
 * @property {string} source The folder that it is made of.
 * @property {string} folder What is packed.
 * @property {{ name: string, version: string }} manifest
 */

/**
 * Writes the folders of all packages, sorted by name.
 * @param {string} staging A folder below the root. It becomes a workspace of pnpm.
 * @returns {Promise<Staged[]>}
 */
export async function stage(staging) {
  const packages = published();
  const versions = new Map(packages.map(({ manifest }) => [manifest.name, manifest.version]));
  writeFileSync(path.join(staging, 'pnpm-workspace.yaml'), 'packages: ["*"]\n');
  const staged = packages.map(({ source, manifest }) => ({
    source,
    folder: path.join(staging, path.basename(source)),
    manifest: released(manifest, versions),
  }));
  for (const one of staged) await write(one);
  return staged;
}

/** The packages and services whose manifests aren't private. */
function published() {
  return ['packages', 'services']
    .flatMap((parent) => readdirSync(path.join(root, parent)).map((name) => path.join(root, parent, name)))
    .filter((source) => existsSync(path.join(source, 'package.json')))
    .map((source) => ({ source, manifest: JSON.parse(readFileSync(path.join(source, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => !manifest.private)
    .sort((one, other) => (one.manifest.name < other.manifest.name ? -1 : 1));
}

/** The manifest with the versions of packages of the workspace, and without what only their development needs. */
function released({ devDependencies: _, ...manifest }, versions) {
  const pinned = Object.entries(manifest.dependencies).map(([name, range]) => [name, versions.get(name) ?? range]);
  return { ...manifest, dependencies: Object.fromEntries(pinned) };
}

async function write({ source, folder, manifest }) {
  const contracts = manifest.name === '@rondo/contracts';
  for (const file of compiled(source).filter((one) => !contracts || isPublishedStub(one))) {
    const code = withoutMap(readFileSync(path.join(source, 'dist', file), 'utf8'));
    const to = path.join(folder, 'dist', file);
    mkdirSync(path.dirname(to), { recursive: true });
    writeFileSync(to, contracts && file.endsWith('.js') ? compact(code) : code);
  }
  if (contracts) await writeContracts(folder);
  cpSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'));
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** The compiled files whose sources exist: the compiler leaves those of removed sources. */
function compiled(source) {
  const isCurrent = (file) => existsSync(path.join(source, 'src', file.replace(/(?:\.d\.ts|\.js)$/, '.ts')));
  const files = readdirSync(path.join(source, 'dist'), { recursive: true });
  return files.filter((file) => /(?:\.d\.ts|\.js)$/.test(file) && isCurrent(file));
}

/** A source map would name sources that aren't packed. */
const withoutMap = (code) => code.replace(/^\/\/# sourceMappingURL=.*\n?/m, '');
