/** Programs bundled into one file. The bundle of `rondo` loads in a third of the time that its 500 modules take. */
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'esbuild';
import { dist, isInstalled, root } from '../workspace/paths.js';

/** The commands that inspect and operate, as esbuild made them of this package: they import the other packages. */
export const MODULES = path.join(dist, 'cli.mjs');
/** The same in one file with all that they import. An installed package has the first alone. */
export const BUNDLE = isInstalled ? MODULES : path.join(dist, 'rondo.mjs');

const PACKAGES = ['contracts', 'rpc', 'schema', 'dynamic', 'authentication', 'certificates'];
/** The files that change when the bundle's sources do: the compiler's, the installation's, and this package's. */
const MADE_OF = [
  ...PACKAGES.map((name) => path.join(root, 'packages', name, 'dist/.tsbuildinfo')),
  path.join(root, 'node_modules/.rondo-installed'),
  MODULES,
];

/** Whether the bundle is newer than its modules: `rondo dev` and `tsc` compile modules without bundling. */
export function isBundleFresh(): boolean {
  if (isInstalled) return true;
  const bundledAt = modifiedAt(BUNDLE);
  return bundledAt > 0 && MADE_OF.every((file) => modifiedAt(file) <= bundledAt);
}

/** 0 if the file doesn't exist. */
const modifiedAt = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Defines `require`, which CommonJS dependencies use for Node's modules and an ES module lacks. No source has the other name. */
const banner = `import { createRequire as requireOfBundle } from 'node:module';
const require = requireOfBundle(import.meta.url);`;

const withoutWaste: Plugin = {
  name: 'without-waste',
  setup(build) {
    // They work on a workspace, where they stand beside the bundle; an image has none.
    build.onResolve({ filter: /^\.\/(?:scaffold|doctor)\.mjs$/ }, ({ path: file }) => ({ path: file, external: true }));
    // grpc-js loads it for channelz only, which no program here serves. It brings protobufjs along: 300 kB.
    build.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ importer, path: file }) =>
      /\/grpc-js\//.test(importer) ? { path: file, external: true } : undefined,
    );
  },
};

/**
 * Writes a compiled program and all its imports as one file. The file is replaced atomically: a process that loads it meanwhile
 * reads the old or the new one.
 *
 * @param options With `splitting`, what the program imports on demand gets files of its own beside `outfile`, so that a process that
 *   doesn't need it doesn't read it.
 * @returns the files that it is made of, from the working directory.
 */
export async function bundleFile(
  entry: string,
  outfile: string,
  { splitting = false }: { readonly splitting?: boolean } = {},
): Promise<readonly string[]> {
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
