/** The package @rondo/tool: its programs as scripts/rondo.mjs compiled them, and what they need beside them. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { httpRules } from '../generate/check-http.mjs';
import { root, tool } from '../workspace/paths.js';

/** What works on Rondo's own repository alone. */
const LEFT_OUT = ['links', 'own', 'portable', 'reference', 'repository', 'workspace'];

/**
 * Writes the files of the package.
 * @param {string} folder
 */
export async function writeTool(folder) {
  const programs = Object.entries(JSON.parse(readFileSync(path.join(tool, 'programs.json'), 'utf8')).programs);
  const entryPoints = Object.fromEntries(programs.filter(([name]) => !LEFT_OUT.includes(name)));
  const options = {
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  };
  const into = { outdir: path.join(folder, 'dist'), outExtension: { '.js': '.mjs' }, logLevel: 'silent' };
  await build({ ...options, ...into, absWorkingDir: root, entryPoints });
  writeFileSync(path.join(folder, 'dist/http-rules.mjs'), httpRules());
  mkdirSync(path.join(folder, 'lint'));
  cpSync(path.join(tool, 'lint/format.json'), path.join(folder, 'lint/format.json'));
}

/**
 * The manifest of the package, without the entries that only Rondo's own repository has.
 * @param {object} own
 */
export const toolManifest = (own) => ({ ...own, exports: { './jest': own.exports['./jest'] } });
