/** Where things are. Nothing else asks for the place of a module: bundled, all of them are in one folder. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));

/** The folder of this package: it has `dist/`, `lint/` and `buf/`. */
export const tool = (folderWith('package.json', here) ?? here) + path.sep;

/** What esbuild made of this package: see `scripts/rondo.mjs`. */
export const dist = path.join(tool, 'dist');

/** Whether this package is installed in a workspace, and not a part of it: then Rondo's other packages are installed, too. */
export const isInstalled = tool.split(path.sep).includes('node_modules');

/** The folder of the workspace, in which programs run by default. */
export const root = isInstalled ? findWorkspace() : path.join(tool, '../..') + path.sep;

/** Runs a command: `node main.mjs build`. */
export const program = path.join(dist, 'main.mjs');

/** The commands that inspect and operate. They import the other packages. */
export const commands = path.join(dist, 'cli.mjs');

/** Registers a server in another language, and starts it. */
export const joinProgram = path.join(dist, 'join.mjs');

/** The laboratory, which a fork may have deleted. */
export const lab = path.join(root, 'lab');

/** What runs a task of the laboratory. */
export const laboratory = path.join(lab, 'main.mjs');

/** The folder that RONDO_WORKSPACE names, else the nearest above that has a workspace of pnpm. */
function findWorkspace(): string {
  const from = process.env['RONDO_WORKSPACE'] ?? process.env['INIT_CWD'] ?? process.cwd();
  const found = folderWith('pnpm-workspace.yaml', path.resolve(from));
  if (found === undefined) throw new Error(`${from} is no part of a Rondo workspace: it has no pnpm-workspace.yaml`);
  return found + path.sep;
}

/** The nearest folder, from one upwards, that has a file. */
function folderWith(file: string, from: string): string | undefined {
  let folder = from;
  while (!existsSync(path.join(folder, file))) {
    if (path.dirname(folder) === folder) return undefined;
    folder = path.dirname(folder);
  }
  return folder;
}
