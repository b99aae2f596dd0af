import path from 'node:path';
import { readJson, root } from '@rondo/tool/workspace';

/** Versions by package; `version` is that of Rondo. */
export interface Versions extends Readonly<Record<string, string>> {
  readonly version: string;
}

/** What the template pins: the versions that this repository is tested with. */
export function pinnedVersions(): Versions {
  const { version, packageManager, devDependencies } = readJson(path.join(root, 'package.json'));
  const { dependencies } = readJson(path.join(root, 'packages/rondo/package.json'));
  return { ...dependencies, ...devDependencies, version, pnpm: packageManager };
}
