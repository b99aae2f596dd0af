/** Programs bundled into one file, for images. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import { dist, isInstalled, joinProgram } from '../workspace/paths.js';
import { orFailed, type StepResult } from '../workspace/steps.js';
import { isFresh } from './pages.js';

/** Defines `require`, which CommonJS dependencies use for Node's modules and an ES module lacks. No source has the other name. */
const banner = `import { createRequire as requireOfBundle } from 'node:module';
const require = requireOfBundle(import.meta.url);`;

const withoutWaste: Plugin = {
  name: 'without-waste',
  setup(build) {
    // They work on a workspace, where they stand next to the bundle; an image has none.
    build.onResolve({ filter: /^\.\/(?:scaffold|doctor)\.mjs$/ }, ({ path: file }) => ({ path: file, external: true }));
    // grpc-js loads it for channelz only, which no program here serves. It brings protobufjs along: 300 kB.
    build.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ importer, path: file }) =>
      /\/grpc-js\//.test(importer) ? { path: file, external: true } : undefined,
    );
  },
};

/**
 * Writes a compiled program and all its imports as one file.
 *
 * @param options With `splitting`, what the program imports on demand gets files of its own next to `outfile`, so that a process that
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
  const { metafile } = await esbuild.build({
    entryPoints: [{ in: entry, out: name }],
    outdir,
    outExtension: { '.js': ext },
    splitting,
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
  return Object.keys(metafile.inputs);
}

const bundle = { out: joinProgram, inputs: path.join(dist, 'join.json') };

/** Whether it is newer than its sources. An installed tool has it. */
export const isJoinFresh = (): boolean => isInstalled || isFresh(bundle);

/** Bundles it from what is compiled. */
export const bundleJoin = (): Promise<StepResult> =>
  orFailed(async () => void writeFileSync(bundle.inputs, JSON.stringify(await writeJoin(bundle.out))));

/** Writes it to a file. Returns the files that it is made of. */
export const writeJoin = (file: string): Promise<readonly string[]> =>
  bundleFile(fileURLToPath(import.meta.resolve('@rondo/service/join-main')), file);
