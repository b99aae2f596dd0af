import { createServer } from 'node:net';

/** The registry, the first services and the database have the first ten ports; the services that came later follow. */
const RANGE = 40;

/** Below those that systems hand out by themselves. Each worker of jest has a part: what one is about to use, none takes. */
const FIRST = 12_000;
const PART = 4_000;
const PARTS = 4;
const BASES = PART / RANGE;

/**
 * A base port with the ports of a whole system from it on free, as far as can be told.
 *
 * @throws Error when there is none.
 */
export async function freeBase(): Promise<number> {
  const worker = Number(process.env['JEST_WORKER_ID'] ?? 1);
  const start = FIRST + ((worker - 1) % PARTS) * PART;
  for (let turn = 0; turn < BASES; turn += 1) {
    const base = start + ((process.pid + turn) % BASES) * RANGE;
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
