/** The package @rondo/tool: these scripts without those that only Rondo's own repository needs, and `rondo` beside them. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { filesBelow } from '../files.mjs';
import { httpRules } from '../generate/check-http.mjs';
import { root, tool } from '../process.mjs';

/** What works on Rondo's own repository alone. */
const LEFT_OUT =
  /^(?:api|create|docs|lab|pack|node_modules|package\.json)(?:\.mjs)?(?:\/|$)|^lint\/(?!format\.json|migrations|rolling)|\.buf(?:\.gen)?\.yaml$|\.d\.mts$/;
/** The packages whose code stands in the tool's, with the file that they become. */
const INLINED = { cli: 'cli.mjs', scaffold: 'scaffold.mjs' };
/** The folders by which the dependencies of the tool are installed here. */
export const toolSources = [tool, ...Object.keys(INLINED).map((name) => path.join(root, 'packages', name))];

/**
 * Writes the files of the package.
 * @param {string} folder
 */
export async function writeTool(folder) {
  const files = filesBelow(tool).filter((file) => !LEFT_OUT.test(file));
  for (const file of files) cpSync(path.join(tool, file), path.join(folder, file));
  writeFileSync(path.join(folder, 'generate/http-rules.mjs'), httpRules());
  await inline('packages/cli/dist/main.js', path.join(folder, INLINED.cli));
  await inline('packages/scaffold/dist/exports/index.js', path.join(folder, INLINED.scaffold));
}

/** Compiles a package of the workspace into one file, which imports the other packages. */
async function inline(entry, outfile) {
  const beside = {
    name: 'beside',
    setup: ({ onResolve }) => {
      onResolve({ filter: /^@rondo\/scaffold$/ }, () => ({ path: `./${INLINED.scaffold}`, external: true }));
    },
  };
  const options = { bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20' };
  await build({ ...options, entryPoints: [path.join(root, entry)], outfile, plugins: [beside], logLevel: 'silent' });
}

/**
 * The manifest of the package: what its code and the inlined code import.
 * @param {object} own That of the scripts.
 */
export function toolManifest({ files: _, ...own }) {
  const read = (name) => JSON.parse(readFileSync(path.join(root, 'packages', name, 'package.json'), 'utf8'));
  const inlined = Object.keys(INLINED).map((name) => read(name).dependencies);
  const dependencies = Object.entries(Object.assign({}, own.dependencies, ...inlined))
    .filter(([name]) => name !== '@rondo/scaffold')
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return { ...own, imports: { '#scaffold': `./${INLINED.scaffold}` }, dependencies: Object.fromEntries(dependencies) };
}
