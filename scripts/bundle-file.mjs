import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

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
