/**
 * Bundles the contents of the images, without node_modules: each tool as one file, each service as one file and those that it
 * loads on demand. bundle/shared/ goes into every image, bundle/<service>/ into the image of the service, with the image's bill of
 * materials.
 */
import { cpSync, existsSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { console } from '../terminal/console.js';
import { readJson } from '../workspace/files.js';
import { entryOf, folderOf, ownServices, readManifest, serviceNames } from '../workspace/manifests.js';
import { commands, root, tool } from '../workspace/paths.js';
import { buildOnly } from './build.js';
import { bundleFile } from './bundle-file.js';
import { pageInputs, servicePages } from './pages.js';
import { writeImageSbom } from './sbom.js';

const out = path.join(root, 'bundle');
/** What is compiled besides the services, if it isn't installed. Folders that .dockerignore excludes aren't needed. */
const TOOLS = [
  'packages/certificates',
  'plugins/authentication',
  'packages/schema',
  'packages/service',
  'packages/database',
];

export async function main(): Promise<number> {
  const tools = TOOLS.filter((folder) => existsSync(path.join(root, folder)));
  if (!(await buildOnly([...tools, ...ownServices().map((service) => `services/${service}`)]))) return 1;
  rmSync(out, { recursive: true, force: true });
  const shared = [
    ...(await bundle(commands, 'shared/rondo.mjs')),
    ...(await bundle(located('@rondo/service/healthcheck-main'), 'shared/healthcheck.mjs')),
    ...(await bundle(located('@rondo/database/provision-main'), 'shared/provision.mjs')),
  ];
  cpSync(path.join(root, 'packages/contracts/descriptors.binpb'), path.join(out, 'shared/descriptors.binpb'));
  const { version } = readJson(path.join(tool, 'package.json'));
  writeFileSync(path.join(out, 'shared/package.json'), JSON.stringify({ version })); // rondo --version reads it
  for (const service of serviceNames()) {
    if (readManifest(service).join !== undefined) continue; // its image is its own affair
    const own = await bundle(entryOf(service), `${service}/dist/main.mjs`, { splitting: true });
    const migrations = path.join(root, folderOf(service), 'migrations');
    if (existsSync(migrations)) cpSync(migrations, path.join(out, service, 'migrations'), { recursive: true });
    const assets = copyAssets(readManifest(service));
    const inputs = [...shared, ...own, ...assets];
    await writeImageSbom(path.join(out, service, 'sbom.cdx.json'), `rondo-${service}`, inputs);
  }
  console.log(`Made ${path.relative(root, out)}/ with ${serviceNames().join(', ')}`);
  return 0;
}

const located = (module: string) => fileURLToPath(import.meta.resolve(module));

/**
 * Copies the pages that a service serves into folders next to its bundle: those of packages, and in `pages/` those of services. Returns the files that they
 * are made of.
 */
function copyAssets({ service, assets = {}, public: outside }: ReturnType<typeof readManifest>): readonly string[] {
  const { resolve } = createRequire(path.join(realpathSync(path.join(root, folderOf(service))), 'package.json'));
  const ofPackages = Object.entries(assets).flatMap(([folder, name]) => {
    const manifest = resolve(`${name}/package.json`);
    cpSync(path.join(path.dirname(manifest), 'dist/page'), path.join(out, service, folder), { recursive: true });
    return [manifest, ...pageInputs('console')];
  });
  if (outside?.console === undefined || !existsSync(servicePages)) return ofPackages;
  const filter = (file: string) => !file.endsWith('.json');
  cpSync(servicePages, path.join(out, service, 'pages'), { recursive: true, filter });
  return [...ofPackages, ...pageInputs('services')];
}

const bundle = (entry: string, file: string, options = {}) => bundleFile(entry, path.join(out, file), options);
