import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** Folders without hand-written files. */
const SKIPPED = new Set(['node_modules', 'dist', '.rondo']);

/** The text of a file of the repository. */
export const readText = (root: string, file: string): string => readFileSync(path.join(root, file), 'utf8');

/** The file at a path, or the files below it; none if the path doesn't exist. */
export function filesAt(root: string, target: string): readonly string[] {
  const full = path.join(root, target);
  if (!existsSync(full)) return [];
  return statSync(full).isDirectory() ? filesBelow(root, target) : [target];
}

/** The files below a folder, as sorted paths from the repository's root. Installed and built files are left out. */
export function filesBelow(root: string, folder: string): readonly string[] {
  if (!existsSync(path.join(root, folder))) return [];
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !SKIPPED.has(name))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const file = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(root, file) : [file];
    });
}

/** The folders of the workspace's own packages and services. */
export const foldersOf = (root: string): readonly string[] =>
  ['packages', 'services']
    .flatMap((parent) => readdirSync(path.join(root, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => existsSync(path.join(root, folder, 'package.json')));
