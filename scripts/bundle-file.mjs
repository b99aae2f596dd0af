/** CommonJS dependencies ask for Node's own modules by `require`, which an ES module lacks. */
const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/**
 * Writes a compiled program and all that it imports as one file.
 * @param {string} entry
 * @param {string} outfile
 */
export async function bundleFile(entry, outfile) {
  const esbuild = await import('esbuild');
  await esbuild.build({
    entryPoints: [entry],
    outfile,
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
}
