/** Whether what is installed, generated and built is that of the sources here. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { generated as generatedNow } from '../generate.mjs';
import { installed } from '../install.mjs';
import { bin, root, run } from '../process.mjs';
import { note, ok, warn } from './finding.mjs';

const BUILD = 'npm run build';

export function packages() {
  const { packageManager } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  if (!existsSync(path.join(root, 'node_modules'))) return note('not installed yet: npm start does', BUILD);
  if (!installed()) return warn("not those of the lock file, or not all: what runs isn't what is pinned", BUILD);
  const by = installer();
  if (by === undefined || by === packageManager) return ok(`those of the lock file, by ${packageManager}`);
  return warn(`installed by ${by}, and ${packageManager} is pinned`, `npx --yes ${packageManager} install`);
}

function installer() {
  const file = path.join(root, 'node_modules/.modules.yaml');
  return existsSync(file) ? /packageManager"?: "?(pnpm@[\d.]+)/.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
}

export function generated() {
  switch (generatedNow()) {
    case 'current':
      return ok('is that of proto/');
    case 'missing':
      return note('not generated yet: npm start does', BUILD);
    case 'outdated':
      return warn('proto/, buf or a plugin has changed since: stubs and contracts differ', 'npm run generate');
  }
}

export async function built() {
  if (!existsSync(bin('tsc'))) return note('not known: the compiler is not installed yet', BUILD);
  const { code, output } = await run(bin('tsc'), ['--build', '--dry']);
  if (code !== 0) return warn(`not known: ${output.trim().split('\n')[0]}`, BUILD);
  const stale = [...output.matchAll(/would build project '(.*)\/tsconfig\.json'/g)].map(([, at]) =>
    path.relative(root, at),
  );
  if (stale.length === 0) return ok('is that of the sources');
  const itself = stale.includes('packages/cli') ? ' (rondo itself among them)' : '';
  return warn(`older than the sources: ${stale.join(', ')}${itself}; rondo doesn't build by itself`, BUILD);
}
