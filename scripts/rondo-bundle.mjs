/** Programs bundled into one file. The bundle of `rondo` loads in a third of the time that its 500 modules take. */
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isInstalled } from './process.mjs';

const packages = new URL('../packages/', import.meta.url);
/** The files that change when the bundle's sources do: the compiler's, the installation's, and one plain module. */
const MADE_OF = [
  ...['contracts', 'rpc', 'schema', 'dynamic', 'cli'].map((name) => new URL(`${name}/dist/.tsbuildinfo`, packages)),
  new URL('../node_modules/.rondo-installed', packages),
  new URL('../scripts/doctor/finding.mjs', packages),
];

/** Published, these scripts have the compiled program beside them. */
const PUBLISHED = new URL('cli.mjs', import.meta.url);
export const MODULES = isInstalled ? PUBLISHED : new URL('cli/dist/main.js', packages);
export const BUNDLE = isInstalled ? PUBLISHED : new URL('cli/dist/rondo.mjs', packages);

/** Whether the bundle is newer than its modules: `rondo dev` and `tsc` compile modules without bundling. */
export function isBundleFresh() {
  if (isInstalled) return true;
  const bundledAt = modifiedAt(BUNDLE);
  return bundledAt > 0 && MADE_OF.every((file) => modifiedAt(file) <= bundledAt);
}

/** @returns {number} 0 if the file doesn't exist. */
const modifiedAt = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Defines `require`, which CommonJS dependencies use for Node's modules and an ES module lacks. No source has the other name. */
const banner = `import { createRequire as requireOfBundle } from 'node:module';
const require = requireOfBundle(import.meta.url);`;

/** @type {import('esbuild').Plugin} */
const withoutWaste = {
  name: 'without-waste',
  setup(build) {
    // It works on a clone, in which `rondo` imports it; an image has none.
    build.onResolve({ filter: /^(?:@rondo|\.)\/scaffold(?:\.mjs)?$/ }, () => ({ external: true }));
    // grpc-js loads it for channelz only, which no program here serves. It brings protobufjs along: 300 kB.
    build.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ importer }) =>
      /\/grpc-js\//.test(importer) ? { external: true } : undefined,
    );
  },
};

/**
 * Writes a compiled program and all its imports as one file. The file is replaced atomically: a process that loads it meanwhile
 * reads the old or the new one.
 * @param {string} entry
 * @param {string} outfile
 * @param {{ splitting?: boolean }} [options] With `splitting`, what the program imports on demand gets files of its own beside
 *   `outfile`, so that a process that doesn't need it doesn't read it.
 * @returns {Promise<string[]>} The files that it is made of, from the working directory.
 */
export async function bundleFile(entry, outfile, { splitting = false } = {}) {
  const esbuild = await import('esbuild');
  const { dir: outdir, name, ext } = path.parse(outfile);
  const { outputFiles, metafile } = await esbuild.build({
    entryPoints: [{ in: entry, out: name }],
    outdir,
    outExtension: { '.js': ext },
    splitting,
    write: false,
    metafile: true,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifySyntax: true,
    sourcemap: true,
    sourcesContent: false,
    banner: { js: banner },
    external: ['pg-native', 'pino-pretty'], // optional
    plugins: [withoutWaste],
    logLevel: 'silent',
  });
  mkdirSync(path.dirname(outfile), { recursive: true });
  for (const { path: file, contents } of outputFiles) {
    writeFileSync(`${file}.${process.pid}`, contents);
    renameSync(`${file}.${process.pid}`, file);
  }
  return Object.keys(metafile.inputs);
}
