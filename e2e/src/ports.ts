import { createServer } from 'node:net';

/** The registry, the first services and the database have the first ten ports; the services that came later follow. */
const RANGE = 40;

/**
 * A base port with the ports of a whole system from it on free, as far as can be told.
 *
 * @throws Error when there is none.
 */
export async function freeBase(): Promise<number> {
  for (let base = 20_000 + (process.pid % 500) * RANGE; base < 60_000; base += RANGE) {
    const free = await Promise.all(Array.from({ length: RANGE }, (_, offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error(`no ${RANGE} free ports in a row`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
