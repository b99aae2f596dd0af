/**
 * What the images hold: each service and the tools beside it as one file each, without node_modules.
 * bundle/shared/ goes into every image, bundle/<service>/ into its own.
 */
import { cpSync, existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { buildOnly } from './build.mjs';
import { serviceFolders } from './launch/manifests.mjs';
import { root } from './process.mjs';

const out = path.join(root, 'bundle');
/** With the services, all that is compiled: what images aren't made of (.dockerignore) needn't be there. */
const TOOLS = ['packages/cli', 'packages/service', 'packages/database'];
/** CommonJS dependencies ask for Node's own modules by `require`, which an ES module lacks. */
const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** `npm run bundle` */
export async function main() {
  if (!(await buildOnly([...TOOLS, ...serviceFolders().map((service) => `services/${service}`)]))) return 1;
  rmSync(out, { recursive: true, force: true });
  await bundle('packages/cli/dist/main.js', 'shared/rondo.mjs');
  await bundle('packages/service/dist/healthcheck-main.js', 'shared/healthcheck.mjs');
  await bundle('packages/database/dist/provision-main.js', 'shared/provision.mjs');
  cpSync(path.join(root, 'packages/contracts/descriptors.binpb'), path.join(out, 'shared/descriptors.binpb'));
  for (const service of serviceFolders()) {
    await bundle(`services/${service}/dist/main.js`, `${service}/dist/main.mjs`);
    const migrations = path.join(root, 'services', service, 'migrations');
    if (existsSync(migrations)) cpSync(migrations, path.join(out, service, 'migrations'), { recursive: true });
  }
  return 0;
}

async function bundle(entry, file) {
  const esbuild = await import('esbuild');
  await esbuild.build({
    entryPoints: [path.join(root, entry)],
    outfile: path.join(out, file),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifySyntax: true,
    sourcemap: true,
    sourcesContent: false,
    banner: { js: banner },
    // Optional, and not there: what would use them does without.
    // @rondo/scaffold works on a clone of the repository, which an image isn't: rondo says so.
    external: ['pg-native', 'pino-pretty', '@rondo/scaffold'],
    logLevel: 'warning',
  });
}
