import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';

const SCHEME = /^unix:(?:\/\/(?=\/))?/;

/**
 * Removes the Unix socket at `listen` (`unix:/path`) that a process left behind when it was killed. A socket is removed
 * only once a connection to it was refused, which proves that nothing listens on it, and only if it is still that one.
 *
 * @throws Error if something listens there, if the path isn't a socket, or if neither can be found out.
 */
export async function removeStaleSocket(listen: string): Promise<void> {
  if (!SCHEME.test(listen)) return;
  const path = listen.replace(SCHEME, '');
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

/** What tells the socket at `path` from another that takes its place; undefined if there is nothing. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const stats = await lstat(path, { bigint: true });
    return stats.isSocket() ? `${stats.dev}:${stats.ino}:${stats.ctimeNs}` : NO_SOCKET;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** How an attempt to connect ends: `connected`, or the code of its error. A Unix socket tells at once. */
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
