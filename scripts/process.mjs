/** How the scripts start other programs. */
/** The programs of packages that ship machine code, without the node process that their launchers put before them. */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder: every command runs there. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * A program of the workspace's own node_modules/.bin.
 * @param {string} name
 */
export const bin = (name) => path.join(root, 'node_modules/.bin', name);

/**
 * Runs a program to its end and never rejects: a program that can't be started is `code` 127 with the reason in `output`.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, show?: boolean | 'stderr' }} [options] `show` hands the terminal on,
 *   or standard error alone.
 * @returns {Promise<{ code: number, output: string }>} stdout and stderr as they came, and the signal that ended it; with
 * `show` only that.
 */
export function run(command, args, { cwd = root, env = {}, show = false } = {}) {
  return new Promise((resolve) => {
    const stdio = show === 'stderr' ? ['ignore', 2, 2] : show ? 'inherit' : ['ignore', 'pipe', 'pipe'];
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio });
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

/** A signal to the script is one to the program it waits for: npm tells this process alone. */
function forwardSignals(child) {
  const forward = (signal) => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  return () => process.off('SIGINT', forward).off('SIGTERM', forward);
}

const PLATFORM = `${process.platform}-${process.arch}`;
/** By program: the package that is asked for, and what it picks for a platform. */
const PACKAGES = {
  buf: ['@bufbuild/buf', `@bufbuild/buf-${PLATFORM.replace('linux-arm64', 'linux-aarch64')}/bin/buf`],
  tsc: ['typescript', `@typescript/typescript-${PLATFORM}/lib/tsc`],
};

/**
 * @param {'buf' | 'tsc'} name
 * @returns {string} its path; the launcher's where there is none for this platform.
 */
export function native(name) {
  const [asked, picked] = PACKAGES[name];
  const launcher = path.join(root, 'node_modules', asked);
  if (!existsSync(launcher)) return bin(name);
  // What a package depends on stands beside it in pnpm's store.
  const program = path.join(realpathSync(launcher).slice(0, -asked.length), picked);
  return existsSync(program) ? program : bin(name);
}
