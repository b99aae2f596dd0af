import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Arguments } from './arguments.js';
import { fill } from './fill.js';
import { copySamples } from './samples.js';

/** A package of Rondo that comes as a file, and not from a registry. */
export interface Tarball {
  readonly name: string;
  /** Its path. */
  readonly file: string;
}

/** The options of {@link createApp}. */
export interface CreateOptions extends Arguments {
  /** What the app pins, by the name that the template has for it: packages, `version` of Rondo's, and `pnpm`. */
  readonly versions: Readonly<Record<string, string>>;
  /** The folder that has the samples, as {@link copySamples} takes them. */
  readonly samples: string;
  /** Rondo's packages, for an app that takes them from its folder `vendor/`; none if a registry has them. */
  readonly tarballs?: readonly Tarball[];
  /** Is told each step. */
  readonly tell: (line: string) => void;
}

/** The first service, which `rondo new service` makes like any other. */
const SERVICE = 'greeter';

/**
 * Makes an app: a workspace with one service, installed and built.
 *
 * @throws Error with one line if the folder isn't empty or a step fails. A failed step leaves the folder as it is.
 */
export function createApp(options: CreateOptions): void {
  const { folder, name, withSamples, samples, versions, tarballs = [], tell } = options;
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Error(`${folder} is not empty: name another folder`);
  }
  if (tarballs.length > 0 && folder.includes('#')) {
    throw new Error(`${folder} has a "#", from which on pnpm ignores the path of a package: name another folder`);
  }
  const run = (what: string, command: string, args: readonly string[]) => {
    tell(`${what} …`);
    const { status, error } = spawnSync(command, args, { cwd: folder, stdio: ['ignore', 2, 2], env: environment() });
    if (error !== undefined) throw new Error(`${command}: ${error.message}`);
    if (status !== 0) throw new Error(`${what} failed, see above; ${folder} is left as it is`);
  };
  copyFilled('template', options);
  for (const parent of ['proto', 'services']) mkdirSync(path.join(folder, parent));
  vendor(folder, tarballs);
  if (withSamples) copySamples({ folder, name, version: String(versions['version']), from: samples });
  run('Making a repository', 'git', ['init', '--quiet', '--initial-branch', 'main']);
  run('Installing packages', 'npx', ['--yes', String(versions['pnpm']), 'install', '--no-frozen-lockfile']);
  run(`Making the service ${SERVICE}`, process.execPath, ['rondo', 'new', 'service', SERVICE, '--skip-test']);
  copyFilled('overlay', options);
  // Imports are sorted by the names of packages, and the app's name is part of one.
  run('Formatting', path.join(folder, 'node_modules/.bin/biome'), ['check', '--write', 'services']);
  tell(`${name} is in ${folder}`);
}

/** Variables of the workspace from which this is called. */
const OF_A_WORKSPACE = ['RONDO_WORKSPACE', 'RONDO_TOOL', 'RONDO_DESCRIPTORS', 'INIT_CWD'];

function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !OF_A_WORKSPACE.includes(name));
  return { ...Object.fromEntries(inherited), CI: 'true' };
}

/** Copies a folder of this package into the app, with values in the place of their names. */
function copyFilled(from: 'template' | 'overlay', { folder, name, withDatabase, versions }: CreateOptions): void {
  const source = fileURLToPath(new URL(`../${from}/`, import.meta.url));
  const entries = readdirSync(source, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name);
    const text = fill(readFileSync(file, 'utf8'), { values: { ...versions, name }, withDatabase });
    const target = path.join(folder, nameIn(path.relative(source, file)));
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text, { mode: entry.name === 'rondo' ? 0o755 : 0o644 });
  }
}

/** A name's own suffix keeps npm, and the tools of this repository, from taking the file as theirs. */
const nameIn = (file: string) => file.replace(/\.tmpl$/, '');

/** Puts the packages into the app, and makes pnpm take them from there. */
function vendor(folder: string, tarballs: readonly Tarball[]): void {
  if (tarballs.length === 0) return;
  mkdirSync(path.join(folder, 'vendor'));
  const lines = tarballs.map(({ name, file }) => {
    copyFileSync(file, path.join(folder, 'vendor', path.basename(file)));
    return `  "${name}": file:vendor/${path.basename(file)}\n`;
  });
  const workspace = path.join(folder, 'pnpm-workspace.yaml');
  const note = '  # Until a registry has them. Then remove these lines and the folder.\n';
  writeFileSync(workspace, `${readFileSync(workspace, 'utf8')}${note}${lines.join('')}`);
}
