/** The programs of packages that ship machine code, without the node process that their launchers put before them. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { bin, root } from './process.mjs';

const PLATFORM = `${process.platform}-${process.arch}`;
/** By program: the package that is asked for, and what it picks for a platform. */
const PACKAGES = {
  buf: ['@bufbuild/buf', `@bufbuild/buf-${PLATFORM.replace('linux-arm64', 'linux-aarch64')}/bin/buf`],
  tsc: ['typescript', `@typescript/typescript-${PLATFORM}/lib/tsc`],
};

/**
 * @param {'buf' | 'tsc'} name
 * @returns {string} its path; the launcher's where there is none for this platform.
 */
export function native(name) {
  const [asked, picked] = PACKAGES[name];
  const launcher = path.join(root, 'node_modules', asked);
  if (!existsSync(launcher)) return bin(name);
  // What a package depends on stands beside it in pnpm's store.
  const program = path.join(realpathSync(launcher).slice(0, -asked.length), picked);
  return existsSync(program) ? program : bin(name);
}
