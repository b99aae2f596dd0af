import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** By what carries the calls. */
export const WORKLOADS = ['memory', 'grpc', 'frames'];

const FILE = path.join(import.meta.dirname, `accepted-node-${process.versions.node.split('.')[0]}.json`);
const PROGRAM = fileURLToPath(new URL('./measure.mjs', import.meta.url));
/** How much more than what was accepted is still accepted: the same code differs by half of that at most. */
const TOLERANCE = 1.01;
const PROCESSES = 3;
/** Only a hang takes so long. */
const HANG_MS = 600_000;
/** How many functions a comparison names. */
const SHOWN = 12;

/**
 * Without a compiler the same code allocates the same on each machine, and a young generation that is never full is never
 * collected, so that the heap's growth is the sum of the allocations.
 */
const FLAGS = ['--jitless', '--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/**
 * Measures in processes of their own until one is within the bound, at most three times. In some processes V8 boxes a few
 * more numbers, which depends on the first values that it sees; so the least is what the code allocates.
 *
 * @param {number} [bound] bytes a call; without it, all three are measured
 */
export async function measure(workload, bound = 0) {
  let least = await measureOnce(workload);
  for (let left = PROCESSES - 1; left > 0 && least.bytes > bound; left -= 1) {
    const measured = await measureOnce(workload);
    if (measured.bytes < least.bytes) least = measured;
  }
  return least;
}

async function measureOnce(workload) {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, PROGRAM, workload], { timeout: HANG_MS });
  return JSON.parse(stdout);
}

/** The accepted figures for this major version of Node; undefined if there are none. */
export function accepted(workload) {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8'))[workload] : undefined;
}

/** Makes these figures the accepted ones. */
export function accept(workload, figures) {
  const all = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
  writeFileSync(FILE, `${JSON.stringify({ ...all, [workload]: figures }, undefined, 2)}\n`);
}

/** What a call may allocate where so much is accepted. Bytes. */
export const boundOf = ({ bytes }) => bytes * TOLERANCE;

/** What is wrong if a call allocates more than accepted, with the functions that allocate more; undefined if it doesn't. */
export function compare(known, measured) {
  if (measured.bytes <= boundOf(known)) return undefined;
  const names = new Set([...Object.keys(known.functions), ...Object.keys(measured.functions)]);
  const more = [...names]
    .map((name) => ({ name, by: (measured.functions[name] ?? 0) - (known.functions[name] ?? 0) }))
    .filter(({ by }) => by > 0)
    .sort((a, b) => b.by - a.by)
    .slice(0, SHOWN);
  return [
    `a call allocates ${measured.bytes} bytes, and ${known.bytes} are accepted; by function:`,
    ...more.map(({ name, by }) => `  +${by} ${name}`),
    'allocate less, or accept it: npm run lab -- allocations --accept',
  ].join('\n');
}
