/** The system whose data is in a folder, as the processes that it wrote down there show. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DEFAULTS } from '../launch/options.mjs';
import { ask } from './program.mjs';

/**
 * @typedef {object} System
 * @property {number} [launcher] The process that started it, while it lives.
 * @property {{ name: string, pid: number }[]} processes Those of its services that live.
 * @property {number} portBase
 */

/**
 * What runs there. Ids are used again, so that a process counts only where its command is one of ours.
 * @param {string} data
 * @returns {Promise<System>}
 */
export async function findSystem(data) {
  const { pid, registry } = readJson(path.join(data, 'launcher.json'));
  const portBase = Number(/:(\d+)$/.exec(registry ?? '')?.[1] ?? DEFAULTS.portBase);
  const noted = Object.entries(readJson(path.join(data, 'processes.json'))).map(([name, id]) => ({ name, pid: id }));
  const processes = await Promise.all(noted.map(async (one) => ({ ...one, command: await commandOf(one.pid) })));
  const live = processes.filter(({ command }) => /services[\\/]/.test(command ?? ''));
  const launcher = /scripts[\\/]|rondo/.test((await commandOf(pid)) ?? '') ? pid : undefined;
  return { launcher, processes: live.map(({ name, pid: id }) => ({ name, pid: id })), portBase };
}

/**
 * A file that isn't there, or is being written, says nothing.
 * @param {string} file
 * @returns {Record<string, any>}
 */
export function readJson(file) {
  if (!existsSync(file)) return {};
  try {
    return { ...JSON.parse(readFileSync(file, 'utf8')) };
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/**
 * Whether a process was suspended, as by Ctrl-Z; where it can't be told, not.
 * @param {number} pid
 */
export async function isSuspended(pid) {
  return /^T/.test((await ask('ps', ['-o', 'state=', '-p', String(pid)])) ?? '');
}

/**
 * The command line of a process; undefined where there is none, or it can't be told.
 * @param {unknown} pid
 */
export async function commandOf(pid) {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const file = `/proc/${pid}/cmdline`;
  if (process.platform !== 'linux') return ask('ps', ['-o', 'command=', '-p', String(pid)]);
  return existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\0', ' ').trim() : undefined;
}
