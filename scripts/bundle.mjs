/**
 * Bundles the contents of the images, without node_modules: each tool as one file, each service as one file and those that it
 * loads on demand. bundle/shared/ goes into every image, bundle/<service>/ into the image of the service, with the image's bill of
 * materials.
 */
import { cpSync, existsSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import { buildOnly } from './build.mjs';
import { readManifest, serviceFolders } from './launch/manifests.mjs';
import { root } from './process.mjs';
import { bundleFile } from './rondo-bundle.mjs';
import { writeSbom } from './sbom.mjs';

const out = path.join(root, 'bundle');
/** What is compiled beside the services. Folders that .dockerignore excludes aren't needed. */
const TOOLS = ['packages/cli', 'packages/service', 'packages/database'];

/** `npm run bundle` */
export async function main() {
  if (!(await buildOnly([...TOOLS, ...serviceFolders().map((service) => `services/${service}`)]))) return 1;
  rmSync(out, { recursive: true, force: true });
  const shared = [
    ...(await bundle('packages/cli/dist/main.js', 'shared/rondo.mjs')),
    ...(await bundle('packages/service/dist/healthcheck-main.js', 'shared/healthcheck.mjs')),
    ...(await bundle('packages/database/dist/provision-main.js', 'shared/provision.mjs')),
  ];
  cpSync(path.join(root, 'packages/contracts/descriptors.binpb'), path.join(out, 'shared/descriptors.binpb'));
  for (const service of serviceFolders()) {
    const own = await bundle(`services/${service}/dist/main.js`, `${service}/dist/main.mjs`, { splitting: true });
    const migrations = path.join(root, 'services', service, 'migrations');
    if (existsSync(migrations)) cpSync(migrations, path.join(out, service, 'migrations'), { recursive: true });
    const assets = copyAssets(readManifest(service));
    const inputs = [...shared, ...own, ...assets];
    await writeSbom(path.join(out, service, 'sbom.cdx.json'), { name: `rondo-${service}`, inputs });
  }
  return 0;
}

/**
 * Copies the files of packages that a service serves as they are, into folders beside its bundle.
 * @returns {string[]} The manifests of those packages.
 */
function copyAssets({ service, assets = {} }) {
  return Object.entries(assets).map(([folder, name]) => {
    // pnpm links a dependency to its place in the store.
    const from = realpathSync(path.join(root, 'services', service, 'node_modules', name));
    // Source maps are most of the size of a package for browsers.
    const filter = (file) => !file.endsWith('.map');
    cpSync(from, path.join(out, service, folder), { recursive: true, filter });
    return path.join(from, 'package.json');
  });
}

const bundle = (entry, file, options) => bundleFile(path.join(root, entry), path.join(out, file), options);
