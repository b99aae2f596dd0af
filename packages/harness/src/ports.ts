import { createServer, type Server } from 'node:net';

/** The registry, the first services and the database have the first ten ports; the services that came later follow. */
const RANGE = 40;

/** Below the ports that operating systems give to outgoing connections: a port stays free while its process is away. */
const FIRST = 12_000;
const BASES = 400;

/**
 * A process claims a base by listening at one port for it, from this one on. So a claim ends with its process, and holds for all
 * tests of a machine: also for those of other clones, and for tests that a test runs.
 */
const FIRST_CLAIM = 11_000;

/**
 * A base port that no other test uses while this process lives. The ports of a whole system from it on are free, as far as
 * can be seen: 40 of them, or as many as `count` says.
 *
 * @throws Error if there is none.
 */
export async function freeBase(count = RANGE): Promise<number> {
  const ranges = Math.ceil(count / RANGE);
  for (let turn = 0; turn < BASES; turn += 1) {
    const base = FIRST + ((process.pid + turn) % (BASES + 1 - ranges)) * RANGE;
    const claims = await Promise.all(Array.from({ length: ranges }, (_, range) => claim(base + range * RANGE)));
    if (claims.every(Boolean) && (await areFree(base, ranges * RANGE))) return base;
    for (const one of claims) one?.close();
  }
  throw new Error(`no ${ranges * RANGE} free ports in a row`);
}

/** The ports of this process's claimed range that `freePort` hasn't given yet. */
let next = 0;
let end = 0;

/**
 * A port of the loopback that is free, that no other test uses while this process lives, and that this process hasn't been
 * given before. A process that listened on it finds it free again when it restarts.
 *
 * @throws Error if there is none.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    while (next < end) {
      const port = next;
      next += 1;
      if (await isFree(port)) return port;
    }
    const base = await freeBase();
    [next, end] = [base, base + RANGE];
  }
}

/** Undefined if another process has the base. */
const claim = (base: number): Promise<Server | undefined> => listen(FIRST_CLAIM + (base - FIRST) / RANGE);

async function areFree(first: number, count: number): Promise<boolean> {
  const free = await Promise.all(Array.from({ length: count }, (_, offset) => isFree(first + offset)));
  return free.every(Boolean);
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** A server that doesn't keep this process alive; undefined if the port is taken. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer().unref();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
