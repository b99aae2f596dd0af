/** What is in folders. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * The files below a folder, as paths from there with `/` on every platform, sorted; none if there is no such folder. Links aren't
 * followed: `recursive` of Node 24 does, and would read the whole workspace through node_modules.
 */
export const filesBelow = (folder: string): string[] => (existsSync(folder) ? walk(folder, '').sort() : []);

function walk(folder: string, prefix: string): string[] {
  return readdirSync(path.join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return walk(folder, `${prefix}${entry.name}/`);
    return entry.isFile() ? [`${prefix}${entry.name}`] : [];
  });
}

/** Whether this user may write into a folder. */
export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether there is a file, and no folder. */
export const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/** The folders of a workspace's own packages, plugins and services, from its root. */
export const projectFolders = (root: string): readonly string[] =>
  ['packages', 'plugins', 'services']
    .filter((parent) => existsSync(path.join(root, parent)))
    .flatMap((parent) => readdirSync(path.join(root, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => isFile(path.join(root, folder, 'package.json')))
    .sort();

/** All folders of a workspace with a manifest, its root first. */
export const manifestFolders = (root: string): readonly string[] =>
  ['.', 'e2e', 'lab', ...projectFolders(root)].filter((folder) => isFile(path.join(root, folder, 'package.json')));

export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

export const readJson = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
