import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../workspace/paths.js';

/** What the template pins: the versions that this repository is tested with. */
export function pinnedVersions() {
  const read = (file) => JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  const { version, packageManager, devDependencies } = read('package.json');
  const { dependencies } = read('packages/rondo/package.json');
  return { ...dependencies, ...devDependencies, version, pnpm: packageManager };
}
