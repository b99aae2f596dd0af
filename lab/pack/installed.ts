/** What a package brings with it in production, as it is installed here. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { readJson } from '@rondo/tool/workspace';
import type { Manifest, Staged } from './stage.js';

/** A package, or what it brings. */
export interface Installed {
  readonly manifest: Manifest;
  readonly folder: string;
  /** Its own dependencies. Optional ones for another platform aren't installed. */
  readonly brings: readonly Installed[];
}

/** A package, and all that comes with it and itself, each once. `staged` are those of Rondo. */
export function installedWith(
  staged: Staged,
  all: readonly Staged[],
): { readonly first: Installed; readonly all: readonly Installed[] } {
  const own = new Map(all.map((one) => [one.manifest.name, one]));
  const found = new Map<string, Installed>();
  const visit = ({ folder, manifest, source = folder }: Pick<Staged, 'folder' | 'manifest'> & { source?: string }) => {
    const known = found.get(folder);
    if (known !== undefined) return known;
    const brings: Installed[] = [];
    const one = { manifest, folder, brings };
    found.set(folder, one);
    for (const name of namesIn(manifest)) {
      const brought = own.get(name) ?? installedAt(source, name);
      if (brought !== undefined) brings.push(visit(brought));
    }
    return one;
  };
  const first = visit(staged);
  return { first, all: [...found.values()] };
}

function namesIn({ dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta }: Manifest) {
  const peers = Object.keys(peerDependencies ?? {}).filter((name) => !peerDependenciesMeta?.[name]?.optional);
  return [...new Set([...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers])];
}

/** pnpm has what a package takes in a folder of its own, or next to it. */
function installedAt(folder: string, name: string): Pick<Staged, 'folder' | 'manifest'> | undefined {
  const [siblings] = /^.*\/node_modules(?=\/)/.exec(folder) ?? [folder];
  const at = [path.join(folder, 'node_modules', name), path.join(siblings, name)].find((one) =>
    existsSync(path.join(one, 'package.json')),
  );
  if (at === undefined) return undefined;
  return { folder: realpathSync(at), manifest: readJson(path.join(at, 'package.json')) };
}
