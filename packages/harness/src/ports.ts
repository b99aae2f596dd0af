import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './kill.js';

/** The registry, the first services and the database have the first ten ports; the services that came later follow. */
const RANGE = 40;

/** Below the ports that operating systems give to outgoing connections: a port stays free while its process is away. */
const FIRST = 12_000;
const BASES = 400;

/** One file a base, with the id of the process that uses it: tests of several clones run at the same time. */
const CLAIMS = join(tmpdir(), `rondo-test-ports-${process.getuid?.() ?? 0}`);

/**
 * A base port that no other test uses while this process lives. The ports of a whole system from it on are free, as far as
 * can be told: 40 of them, or as many as `count` says.
 *
 * @throws Error if there is none.
 */
export async function freeBase(count = RANGE): Promise<number> {
  const ranges = Math.ceil(count / RANGE);
  for (let turn = 0; turn < BASES; turn += 1) {
    const base = FIRST + ((process.pid + turn) % BASES) * RANGE;
    const bases = Array.from({ length: ranges }, (_, range) => base + range * RANGE);
    const claimed = bases.filter(claim);
    if (claimed.length === ranges && (await areFree(base, ranges * RANGE))) return base;
    for (const one of claimed) release(one);
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

const fileOf = (base: number) => join(CLAIMS, String(base));
const release = (base: number) => rmSync(fileOf(base), { force: true });

function claim(base: number): boolean {
  mkdirSync(CLAIMS, { recursive: true });
  const file = fileOf(base);
  if (create(file)) return true;
  if (isOwned(file)) return false;
  release(base);
  return create(file);
}

function create(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    return false; // another process has it
  }
}

/** False also if the file has gone since: its process has given it back. */
function isOwned(file: string): boolean {
  try {
    return isAlive(Number(readFileSync(file, 'utf8')));
  } catch {
    return false;
  }
}

async function areFree(first: number, count: number): Promise<boolean> {
  const free = await Promise.all(Array.from({ length: count }, (_, offset) => isFree(first + offset)));
  return free.every(Boolean);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
