import { createServer } from 'node:net';

/** Below the ports that Linux gives to outgoing connections: what is stopped for minutes finds its port free again. */
const FIRST = 21_000;
const LAST = 31_000;
let next = FIRST + (process.pid % 400) * 25;

/**
 * A port of the loopback that is free, and that this process hasn't been given before.
 *
 * @throws Error when there is none.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < LAST - FIRST; tried += 1) {
    const port = next;
    next = next + 1 < LAST ? next + 1 : FIRST;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
