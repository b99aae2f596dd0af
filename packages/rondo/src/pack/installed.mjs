/** What a package brings with it in production, as it is installed here. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} Installed A package, or what it brings.
 * @property {{ name: string, version: string }} manifest
 * @property {string} folder
 * @property {Installed[]} brings Its own dependencies. Optional ones for another platform aren't installed.
 */

/**
 * @param {import('./stage.mjs').Staged} first
 * @param {import('./stage.mjs').Staged[]} staged Those of Rondo.
 * @returns {Installed[]} The package itself, and all that comes with it, each once.
 */
export function installedWith(first, staged) {
  const own = new Map(staged.map((one) => [one.manifest.name, one]));
  const found = new Map();
  const visit = ({ folder, manifest, sources = [folder] }) => {
    const known = found.get(folder);
    if (known !== undefined) return known;
    const one = { manifest, folder, brings: [] };
    found.set(folder, one);
    for (const name of namesIn(manifest)) {
      const brought = own.get(name) ?? sources.map((source) => installedAt(source, name)).find(Boolean);
      if (brought !== undefined) one.brings.push(visit(brought));
    }
    return one;
  };
  visit(first);
  return [...found.values()];
}

const namesIn = ({ dependencies, optionalDependencies, peerDependencies }) =>
  Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });

/** pnpm has what a package takes in a folder of its own, or beside it. */
function installedAt(folder, name) {
  const [beside] = /^.*\/node_modules(?=\/)/.exec(folder) ?? [folder];
  const at = [path.join(folder, 'node_modules', name), path.join(beside, name)].find((one) =>
    existsSync(path.join(one, 'package.json')),
  );
  if (at === undefined) return undefined;
  return { folder: realpathSync(at), manifest: JSON.parse(readFileSync(path.join(at, 'package.json'), 'utf8')) };
}
