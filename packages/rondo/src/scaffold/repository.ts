import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { filesBelow as below } from '../workspace/files.js';

/** Folders without hand-written files. */
const SKIPPED = new Set(['node_modules', 'dist', '.rondo']);

export const readText = (root: string, file: string): string => readFileSync(path.join(root, file), 'utf8');

/** The file at a path, or the files below it; none if the path doesn't exist. */
export function filesAt(root: string, target: string): readonly string[] {
  const full = path.join(root, target);
  if (!existsSync(full)) return [];
  return statSync(full).isDirectory() ? filesBelow(root, target) : [target];
}

/** The files below a folder, as sorted paths from the repository's root. Installed and built files are left out. */
export const filesBelow = (root: string, folder: string): readonly string[] =>
  below(path.join(root, folder))
    .filter((file) => !file.split('/').some((part) => SKIPPED.has(part)))
    .map((file) => `${folder}/${file}`);
