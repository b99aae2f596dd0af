/** `rondo` as one file, which loads in a third of the time that its 500 modules take. */
import { statSync } from 'node:fs';

const packages = new URL('../packages/', import.meta.url);
/** The files that are written when what the bundle is made of changes: by the compiler, and when packages are installed. */
const MADE_OF = [
  ...['contracts', 'rpc', 'cli'].map((name) => new URL(`${name}/dist/.tsbuildinfo`, packages)),
  new URL('../node_modules/.rondo-installed', packages),
];

export const MODULES = new URL('cli/dist/main.js', packages);
export const BUNDLE = new URL('cli/dist/rondo.mjs', packages);

/** Whether the bundle is made of the modules as they are. `rondo dev` and `tsc` compile modules alone. */
export function isBundleFresh() {
  const bundledAt = modifiedAt(BUNDLE);
  return bundledAt > 0 && MADE_OF.every((file) => modifiedAt(file) <= bundledAt);
}

/** @returns {number} 0 when there is no such file. */
const modifiedAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
