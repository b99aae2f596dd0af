/** How the doctor asks other programs. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { root } from '../process.mjs';

const TIMEOUT_MS = 5_000;

/**
 * What a program prints, trimmed; undefined where it isn't there, fails, or takes too long.
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string | undefined>}
 */
export async function ask(command, args) {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd: root, timeout: TIMEOUT_MS });
    return stdout.trim();
  } catch {
    return undefined;
  }
}
