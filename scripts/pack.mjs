/** Packs each published package as a registry takes it: `npm run pack [-- --out DIR] [--as VERSION] [--check]`. */
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { build } from './build.mjs';
import { runPnpm } from './install.mjs';
import { parse, takenByNpm } from './options.mjs';
import { stage } from './pack/stage.mjs';
import { root } from './process.mjs';

const USAGE = 'npm run pack [-- --out DIR] [--as VERSION] [--check]';

/**
 * @typedef {object} Packed
 * @property {string} name
 * @property {string} version
 * @property {string} file The tarball.
 * @property {string[]} contents Its files.
 * @property {number} sizeBytes Of the contents.
 * @property {string[]} dependencies Those of other publishers, with what each takes installed.
 */

/**
 * Builds, and packs the packages into a folder. The same sources make the same bytes.
 * @param {string} [outDir]
 * @param {string} [version] By default that of the manifests.
 * @returns {Promise<Packed[]>}
 * @throws {Error} if a step failed; the build has printed why.
 */
export async function pack(outDir = path.join(root, '.rondo/packages'), version = undefined) {
  if (!(await build())) throw new Error('the build failed');
  const staging = mkdtempSync(path.join(root, '.rondo/packing-'));
  try {
    const packages = await stage(staging, version);
    mkdirSync(outDir, { recursive: true });
    const args = ['--dir', staging, '--recursive', 'pack', '--pack-destination', path.resolve(outDir)];
    const { code, output } = await runPnpm(args);
    if (code !== 0) throw new Error(output);
    return packages.map(({ folder, source, manifest }) => described({ folder, source, manifest, outDir }));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function described({ folder, source, manifest, outDir }) {
  const { name, version, dependencies, optionalDependencies } = manifest;
  const others = Object.keys({ ...dependencies, ...optionalDependencies }).filter((one) => !one.startsWith('@rondo/'));
  return {
    name,
    version,
    file: path.resolve(outDir, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`),
    contents: filesIn(folder),
    sizeBytes: sizeOf(folder),
    dependencies: others.map((one) => `${one} ${installedSize(path.join(source, 'node_modules', one))}`),
  };
}

function installedSize(link) {
  // One for another platform isn't installed.
  return statSync(link, { throwIfNoEntry: false }) === undefined ? '–' : kilobytes(sizeOf(realpathSync(link)));
}

const filesIn = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name)))
    .sort();

const sizeOf = (folder) => filesIn(folder).reduce((sum, file) => sum + statSync(path.join(folder, file)).size, 0);
const kilobytes = (sizeBytes) => `${Math.ceil(sizeBytes / 1000)} kB`;

/** `npm run pack` */
export async function main(args) {
  try {
    const { out, as, check } = options(args);
    const packed = await pack(out && path.resolve(process.env.INIT_CWD ?? root, out), as);
    for (const one of packed) console.log(rowOf(one));
    console.log(
      `${path.dirname(packed[0].file)}: by package its tarball, own files, and dependencies with their own files`,
    );
    return check ? await checked(packed) : 0;
  } catch (error) {
    console.error(`npm run pack: ${error.message}`);
    return 1;
  }
}

function options(args) {
  const taken = takenByNpm(['out', 'as', 'check'], USAGE);
  if (taken !== undefined) throw new Error(taken);
  const text = { type: 'string' };
  return parse({ args, options: { out: text, as: text, check: { type: 'boolean' } } }, USAGE).values;
}

function rowOf({ name, file, contents, sizeBytes, dependencies }) {
  const sizes = [kilobytes(statSync(file).size), kilobytes(sizeBytes)].map((size) => size.padStart(8)).join('');
  return `${name.padEnd(22)}${sizes}${`${contents.length} files`.padStart(11)}  ${dependencies.join(', ')}`.trimEnd();
}

async function checked(packed) {
  const { faultsOf } = await import('./pack/check.mjs');
  const { apiChanges } = await import('./pack/api-changes.mjs');
  const api = await apiChanges();
  console.log(api.note);
  const faults = [...(await Promise.all(packed.map(faultsOf))).flat(), ...api.faults];
  console.log(faults.length === 0 ? 'No package has a fault.' : faults.join('\n'));
  return faults.length === 0 ? 0 : 1;
}
