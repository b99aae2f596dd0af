/** `rondo` as one file, which loads in a third of the time that its 500 modules take. */
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const packages = new URL('../packages/', import.meta.url);
/** The files that are written when what the bundle is made of changes: by the compiler, and when packages are installed. */
const MADE_OF = [
  ...['contracts', 'rpc', 'cli'].map((name) => new URL(`${name}/dist/.tsbuildinfo`, packages)),
  new URL('../node_modules/.rondo-installed', packages),
  new URL('../scripts/doctor/finding.mjs', packages),
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

/** CommonJS dependencies ask for Node's own modules by `require`, which an ES module lacks. */
const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * Writes a compiled program and all that it imports as one file. A process that loads the file
 * meanwhile has the old one or the new one, and never a part.
 * @param {string} entry
 * @param {string} outfile
 */
export async function bundleFile(entry, outfile) {
  const esbuild = await import('esbuild');
  const { outputFiles } = await esbuild.build({
    entryPoints: [entry],
    outfile,
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifySyntax: true,
    sourcemap: true,
    sourcesContent: false,
    banner: { js: banner },
    // pg-native and pino-pretty are optional: what would use them does without.
    // @rondo/scaffold works on a clone of the repository: there `rondo` imports it, and in an image says that it can't.
    external: ['pg-native', 'pino-pretty', '@rondo/scaffold'],
    logLevel: 'silent',
  });
  mkdirSync(path.dirname(outfile), { recursive: true });
  for (const { path: file, contents } of outputFiles) {
    writeFileSync(`${file}.${process.pid}`, contents);
    renameSync(`${file}.${process.pid}`, file);
  }
}
