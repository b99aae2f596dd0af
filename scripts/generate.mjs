/** Contracts to typed stubs and the descriptor set (packages/contracts), when an input has changed. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bin, root, run } from './process.mjs';
import { step } from './steps.mjs';

/** Relative: buf reads a "#" in a path as the beginning of its options. */
const descriptors = 'packages/contracts/descriptors.binpb';
/** Stands among the generated files: whoever removes them removes it too. */
const stamp = path.join(root, 'packages/contracts/src/.inputs');

/**
 * @returns {Promise<import('./steps.mjs').Outcome>}
 */
export async function generate() {
  if (generated() === 'current') return { code: 0, note: 'nothing changed' };
  const wanted = fingerprint(); // before it is read: what changes meanwhile is generated the next time
  rmSync(stamp, { force: true });
  for (const args of [['generate'], ['build', '-o', descriptors, '--exclude-source-info']]) {
    const { code, output } = await run(bin('buf'), args);
    if (code !== 0) return { code, output };
  }
  writeFileSync(stamp, wanted);
  return { code: 0 };
}

/**
 * Whether what was generated is that of the contracts as they are.
 * @returns {'missing' | 'outdated' | 'current'}
 */
export function generated() {
  if (!existsSync(path.join(root, descriptors)) || !existsSync(stamp)) return 'missing';
  return readFileSync(stamp, 'utf8') === fingerprint() ? 'current' : 'outdated';
}

/** The contracts, buf's settings and, by the lock file, the versions of every tool and third-party contract. */
function fingerprint() {
  const hash = createHash('sha256');
  const protos = readdirSync(path.join(root, 'proto'), { recursive: true }).filter((file) => file.endsWith('.proto'));
  const files = [...protos.sort().map((file) => `proto/${file}`), 'buf.yaml', 'buf.gen.yaml', 'pnpm-lock.yaml'];
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  return hash.digest('hex');
}

/** `npm run generate` */
export async function main() {
  return (await step('generate', generate)).code;
}
