/** The package @rondo/tool: its programs as scripts/rondo.mjs compiled them, and what they need beside them. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { readJson } from '../workspace/files.js';
import { root, tool } from '../workspace/paths.js';
import type { Manifest } from './stage.js';

/** What works on Rondo's own repository alone. */
const LEFT_OUT = ['own', 'reference', 'repository', 'workspace'];

/** The scripts of this package that the tool of 0.2.0 runs when it upgrades an app, each with what {@link writeTool}'s program is told. */
const OF_0_2 = { 'migrate.mjs': ['migrate'], 'relock.mjs': ['install'], 'run.mjs': [] };

/** Writes the files of the package into a folder. */
export async function writeTool(folder: string): Promise<void> {
  const { programs, esbuild } = readJson(path.join(tool, 'programs.json'));
  const entryPoints = Object.fromEntries(Object.entries(programs).filter(([name]) => !LEFT_OUT.includes(name)));
  const outdir = path.join(folder, 'dist');
  await build({ ...esbuild, outdir, absWorkingDir: root, entryPoints, logLevel: 'silent' });
  for (const [script, args] of Object.entries(OF_0_2)) {
    const text = `process.argv.splice(2, 0, ...${JSON.stringify(args)});\nawait import('./dist/main.mjs');\n`;
    writeFileSync(path.join(folder, script), text);
  }
}

/** The manifest of the package, without the entries that only Rondo's own repository has. */
export const toolManifest = (own: Manifest): Manifest => ({
  ...own,
  exports: { './jest': own.exports?.['./jest'] },
  files: [...(own.files ?? []), ...Object.keys(OF_0_2)],
});
