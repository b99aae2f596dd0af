import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Arguments } from './choices.js';
import { copySamples, observeFiles } from './samples.js';
import { renderTemplate, type TemplateOptions, withVendored } from './template.js';

/** The options of {@link createApp}. */
export interface CreateOptions extends Arguments, TemplateOptions {
  /** The folder that has the samples, as {@link copySamples} takes them. */
  readonly samples: string;
  /** The paths of Rondo's packages, for an app that takes them from its folder `vendor/`; none if a registry has them. */
  readonly tarballs?: readonly string[];
  /** Gets the name of each step. */
  readonly tell: (line: string) => void;
}

/** The first service, which is made like those of `rondo new service`. */
const SERVICE = 'greeter';

/**
 * Makes an app: a workspace with one service, installed and built.
 *
 * @throws Error with one line if a step fails, which leaves the folder as it is.
 */
export function createApp(options: CreateOptions): void {
  const { folder, name, withSamples, plugins, packageManager, samples, versions, tarballs = [], tell } = options;
  if (tarballs.length > 0 && folder.includes('#')) {
    throw new Error(`${folder} has a "#", from which on pnpm ignores the path of a package: name another folder`);
  }
  const run = (what: string, command: string | readonly [string, ...string[]], output: 2 | 'ignore' = 2) => {
    tell(`${what} …`);
    const how: SpawnSyncOptions = { cwd: folder, stdio: ['ignore', output, 2], env: environment() };
    const [program, ...args] = typeof command === 'string' ? [command] : command;
    // npm's programs are scripts, which on Windows only a shell starts.
    const { status, error } = spawnSync(program, args, { ...how, shell: typeof command === 'string' });
    if (error !== undefined) throw new Error(`${program}: ${error.message}`);
    if (status !== 0) throw new Error(`${what} failed, see above; ${folder} is left as it is`);
  };
  write(folder, renderTemplate(options));
  for (const parent of ['proto', 'services']) mkdirSync(path.join(folder, parent));
  vendor(folder, tarballs);
  write(folder, observeFiles(samples, withSamples));
  if (withSamples) copySamples({ folder, name, version: String(versions['version']), from: samples });
  const isPart = isInRepository(folder);
  if (isPart)
    tell(
      'The folder is part of a git repository: none is made in it. GitHub reads .github/workflows/ci.yml only at the root of the repository: move it there, with "defaults: {run: {working-directory: …}}".',
    );
  else run('Making a repository', ['git', 'init', '--quiet', '--initial-branch', 'main']);
  run('Installing packages', `npx --yes ${versions['pnpm']} install --no-frozen-lockfile`);
  run(`Making the service ${SERVICE}`, [process.execPath, 'rondo', 'first', SERVICE, ...plugins], 'ignore');
  write(folder, renderTemplate(options, 'overlay'));
  // Imports are sorted by the names of packages, and the app's name is part of one.
  run('Formatting', [process.execPath, 'node_modules/@biomejs/biome/bin/biome', 'check', '--write', 'services']);
  if (isPart || !isCommitted(folder))
    tell('Commit it, so that git can take back what rondo new writes: git add . && git commit -m Start');
  tell(`${name} is in ${folder}\n\n  cd ${folder}\n  ${packageManager} start`);
}

/** Whether a folder is in the work tree of a repository, which doesn't ignore it. */
export const isInRepository = (folder: string): boolean =>
  spawnSync('git', ['check-ignore', '--quiet', path.resolve(folder)], { cwd: folder }).status === 1;

/** Makes the first commit, unless git doesn't know by whom. */
function isCommitted(folder: string): boolean {
  const git = (...args: readonly string[]) => spawnSync('git', args, { cwd: folder, stdio: 'ignore' }).status === 0;
  return git('add', '--all') && git('commit', '--quiet', '--message', 'Start');
}

/** Variables of the workspace from which this is called. */
const OF_A_WORKSPACE = ['RONDO_WORKSPACE', 'RONDO_DESCRIPTORS', 'INIT_CWD'];

function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !OF_A_WORKSPACE.includes(name));
  return { ...Object.fromEntries(inherited), CI: 'true' };
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    const target = path.join(folder, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text, { mode: file === 'rondo' ? 0o755 : 0o644 });
  }
}

/** Puts the packages into the app, and makes pnpm take them from there. */
function vendor(folder: string, tarballs: readonly string[]): void {
  if (tarballs.length === 0) return;
  mkdirSync(path.join(folder, 'vendor'));
  const names = tarballs.map((file) => path.basename(file));
  for (const file of tarballs) copyFileSync(file, path.join(folder, 'vendor', path.basename(file)));
  const workspace = path.join(folder, 'pnpm-workspace.yaml');
  writeFileSync(workspace, withVendored(readFileSync(workspace, 'utf8'), names));
}
