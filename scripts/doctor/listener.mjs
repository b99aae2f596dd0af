/** Who listens at a port of this machine. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ask } from './program.mjs';

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
