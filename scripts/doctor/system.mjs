/** The system whose data is in a folder, as the processes that it wrote down there show. */
/** Who listens at a port of this machine. */
/** How the doctor asks other programs. */

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { DEFAULTS } from '../launch/options.mjs';
import { root } from '../process.mjs';

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

/** TCP_LISTEN of Linux's include/net/tcp_states.h. */
const LISTEN = '0A';

/**
 * @param {number} port
 * @returns {Promise<number | undefined>} The process; undefined where there is none, or it is another user's.
 */
export async function listenerAt(port) {
  if (process.platform === 'linux') return holderOf(inodesAt(port));
  const found = await ask('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t']);
  return found === undefined || found === '' ? undefined : Number(found.split('\n')[0]);
}

function inodesAt(port) {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => read(() => readFileSync(file, 'utf8').split('\n')))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(suffix) && state === LISTEN)
    .map((columns) => `socket:[${columns[9]}]`);
}

function holderOf(sockets) {
  if (sockets.length === 0) return undefined;
  const found = read(() => readdirSync('/proc'))
    .filter((name) => /^\d+$/.test(name))
    .find((pid) =>
      read(() => readdirSync(`/proc/${pid}/fd`)).some((fd) => sockets.includes(readLink(`/proc/${pid}/fd/${fd}`))),
    );
  return found === undefined ? undefined : Number(found);
}

/** Processes end while one looks, and those of others are closed to it: either has nothing to show. */
function read(look) {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(error.code)) return [];
    throw error;
  }
}

const readLink = (file) => read(() => [readlinkSync(file)])[0];

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
