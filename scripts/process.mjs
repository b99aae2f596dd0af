/** Running other programs from scripts. */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of these scripts. */
export const tool = fileURLToPath(new URL('.', import.meta.url));

/** Whether they are a package of the workspace, and not a part of it: then its other packages of Rondo are installed, too. */
export const isInstalled = tool.split(path.sep).includes('node_modules');

/** The workspace's folder, in which programs run by default. */
export const root = isInstalled ? findWorkspace() : path.dirname(tool) + path.sep;

/** The folder that RONDO_WORKSPACE names, else the nearest above that has a workspace of pnpm. */
function findWorkspace() {
  const from = process.env.RONDO_WORKSPACE ?? process.env.INIT_CWD ?? process.cwd();
  let folder = path.resolve(from);
  while (!existsSync(path.join(folder, 'pnpm-workspace.yaml'))) {
    const above = path.dirname(folder);
    if (above === folder) throw new Error(`${from} is no part of a Rondo workspace: it has no pnpm-workspace.yaml`);
    folder = above;
  }
  return folder + path.sep;
}

/**
 * Runs a program to its end. It never rejects: if the program can't be started, `code` is 127 and `output` has the reason.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, show?: boolean | 'stderr' }} [options] `show` lets the program use the
 *   terminal; 'stderr' sends all its output to standard error.
 * @returns {Promise<{ code: number, output: string }>} The output of stdout and stderr in order, and the signal that ended the
 *   program; with `show` only the signal.
 */
export function run(command, args, { cwd = root, env = {}, show = false } = {}) {
  return new Promise((resolve) => {
    const stdio = show === 'stderr' ? ['ignore', 2, 2] : show ? 'inherit' : ['ignore', 'pipe', 'pipe'];
    const child = spawn(...startable(command, args), { cwd, env: { ...process.env, ...env }, stdio });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    const release = forwardSignals(child);
    child.once('error', (error) => {
      release();
      resolve({ code: 127, output: `${command}: ${error.message}\n` });
    });
    child.once('close', (code, signal) => {
      release();
      if (signal !== null) output += `${path.basename(command)} was ended by ${signal}\n`;
      resolve({ code: code ?? 1, output });
    });
  });
}

/**
 * Whether git knows a commit of this folder. If not, it says what `command` needs: an archive of the repository has no `.git`.
 * @param {string} command What the user typed.
 */
export async function hasCommit(command) {
  if ((await run('git', ['rev-parse', '--verify', 'HEAD'])).code === 0) return true;
  console.error(`${command}: git knows no files here: git init && git add . && git commit -m Start`);
  return false;
}

/** Forwards signals to the program: npm signals only this process. */
function forwardSignals(child) {
  const forward = (signal) => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  return () => process.off('SIGINT', forward).off('SIGTERM', forward);
}

const isWindows = process.platform === 'win32';

/**
 * How a program is started: npm's are scripts, which Windows doesn't start. Node, beside which they are installed there, runs them.
 * @param {string} command
 * @param {string[]} args
 * @returns {[command: string, args: string[]]}
 */
export function startable(command, args) {
  if (!isWindows || !['npm', 'npx'].includes(command)) return [command, args];
  const script = `node_modules/npm/bin/${command}-cli.js`;
  return [process.execPath, [path.join(path.dirname(process.execPath), script), ...args]];
}

/** The name of an executable file. */
export const executable = (name) => (isWindows ? `${name}.exe` : name);

const PLATFORM = `${process.platform}-${process.arch}`;
/** By program: its package, and the path of the native program that the package picks for this platform. */
const PACKAGES = {
  biome: ['@biomejs/biome', `@biomejs/cli-${PLATFORM}/biome`],
  buf: ['@bufbuild/buf', `@bufbuild/buf-${PLATFORM.replace('linux-arm64', 'linux-aarch64')}/bin/buf`],
  tsc: ['typescript', `@typescript/typescript-${PLATFORM}/lib/tsc`],
};

/**
 * @param {'biome' | 'buf' | 'tsc'} name
 * @returns {string} the path of the native program, without the node process of its launcher; the launcher's path if there is
 *   none for this platform.
 */
export function native(name) {
  const [asked, picked] = PACKAGES[name];
  const launcher = path.join(root, 'node_modules', asked);
  const bin = path.join(root, 'node_modules/.bin', name);
  if (!existsSync(launcher)) return bin;
  // pnpm's store has a package's dependencies beside it.
  const program = path.join(realpathSync(launcher).slice(0, -asked.length), executable(picked));
  return existsSync(program) ? program : bin;
}
