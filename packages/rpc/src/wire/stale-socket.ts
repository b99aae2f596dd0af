import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

const SCHEME = /^unix:(?:\/\/(?=\/))?/;

/** The path of a Unix socket to listen on; undefined if `listen` is something else. */
export function socketPath(listen: string): string | undefined {
  return SCHEME.test(listen) ? listen.replace(SCHEME, '') : undefined;
}

/**
 * Removes the Unix socket at `listen` (`unix:/path`) that a killed process left behind. It removes the socket only
 * after a connection to it was refused, which proves that no process listens on it, and only if it is still the same
 * socket.
 *
 * @throws Error if a process listens on it, if the path isn't a socket, or if neither can be determined.
 */
export async function removeStaleSocket(listen: string): Promise<void> {
  const path = socketPath(listen);
  if (path === undefined) return;
  const found = await identityOf(path);
  if (found === undefined) return;
  if (found === NO_SOCKET) throw new Error(`the path isn't a socket; remove it, or listen on another`);
  const outcome = await probe(path);
  if (outcome === 'connected') throw new Error('another process listens on it; stop that, or listen on another path');
  if (outcome === 'ENOENT') return;
  if (outcome !== 'ECONNREFUSED')
    throw new Error(`whether another process listens on it can't be found out: ${outcome}`);
  if ((await identityOf(path)) === found) await unlink(path);
}

const NO_SOCKET = 'no socket';

/** Identifies the socket at `path`, so that a replacement is recognised; undefined if there is nothing. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const stats = await lstat(path, { bigint: true });
    return stats.isSocket() ? `${stats.dev}:${stats.ino}:${stats.ctimeNs}` : NO_SOCKET;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The result of an attempt to connect: `connected`, or the code of its error. A Unix socket answers at once. */
function probe(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error) => resolve(codeOf(error) ?? error.message));
  });
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
