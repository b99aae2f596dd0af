import { createServer } from 'node:net';

/**
 * A base port with the ten ports from it on free, as far as can be told.
 *
 * @throws Error when there is none.
 */
export async function freeBase(): Promise<number> {
  for (let base = 20_000 + (process.pid % 2_000) * 10; base < 60_000; base += 10) {
    const free = await Promise.all(Array.from({ length: 10 }, (_, offset) => isFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no ten free ports in a row');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
