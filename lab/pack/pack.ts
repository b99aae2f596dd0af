/** Packs each published package as a registry takes it: `npm run pack`, whose options USAGE has. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { componentOf, filesBelow, parse, root, run, runPnpm, takenByNpm, writeSbom } from '@rondo/tool/workspace';
import { type Installed, installedWith } from './installed.js';
import { type Release, type Staged, stage } from './stage.js';

const USAGE = 'npm run pack [-- --out DIR] [--as VERSION] [--repository URL] [--check] [--publish]';

/** A package as a registry takes it. */
export interface Packed {
  readonly name: string;
  readonly version: string;
  /** The tarball. */
  readonly file: string;
  /** Its files. */
  readonly contents: readonly string[];
  /** Of the contents. */
  readonly sizeBytes: number;
  /** With all that it brings. */
  readonly installedBytes: number;
  /** Those of other publishers, with the size of each alone. */
  readonly dependencies: readonly string[];
}

/**
 * Packs the packages into a folder, with the bill of materials of each next to it. The same sources make the same bytes.
 *
 * @throws Error if a step failed.
 */
export async function pack(
  outDir = path.join(root, '.rondo/packages'),
  given: Release = {},
): Promise<readonly Packed[]> {
  const staging = mkdtempSync(path.join(root, '.rondo/packing-'));
  try {
    const packages = await stage(staging, given);
    mkdirSync(outDir, { recursive: true });
    const args = ['--dir', staging, '--recursive', 'pack', '--pack-destination', path.resolve(outDir)];
    const { code, output } = await runPnpm(args);
    if (code !== 0) throw new Error(output);
    const packed = await Promise.all(packages.map((one) => described(one, packages, outDir)));
    // An app would also get what an earlier tree has packed under another name.
    const made = new Set(packed.map(({ file }) => path.basename(file)));
    const isOurs = (name: string) =>
      /^(?:create-)?rondo-/.test(name) && packed.some(({ version }) => name.endsWith(`-${version}.tgz`));
    for (const name of readdirSync(outDir)) if (isOurs(name) && !made.has(name)) rmSync(path.join(outDir, name));
    return packed;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

async function described(staged: Staged, packages: readonly Staged[], outDir: string): Promise<Packed> {
  const { folder, manifest } = staged;
  const { name, version } = manifest;
  const file = path.resolve(outDir, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  const installed = installedWith(staged, packages);
  const [first, ...brought] = installed.all.map(componentWith);
  if (first !== undefined) await writeSbom(file.replace(/tgz$/, 'cdx.json'), first, brought);
  const others = installed.first.brings.filter((one) => !one.manifest.name.startsWith('@rondo/'));
  return {
    name,
    version,
    file,
    contents: filesBelow(folder),
    sizeBytes: sizeOf(folder),
    installedBytes: installed.all.reduce((sum, one) => sum + sizeOf(one.folder), 0),
    dependencies: others.map((one) => `${one.manifest.name} ${kilobytes(sizeOf(one.folder))}`),
  };
}

/** The package as a part of a bill, with what it brings. */
function componentWith({ manifest, brings }: Installed) {
  const component = componentOf(manifest);
  for (const one of brings) component.dependencies.add(componentOf(one.manifest).bomRef);
  return component;
}

const sizeOf = (folder: string) =>
  filesBelow(folder).reduce((sum, file) => sum + statSync(path.join(folder, file)).size, 0);
const kilobytes = (sizeBytes: number) => `${Math.ceil(sizeBytes / 1000)} kB`;

/** `npm run pack` */
export async function main(args: string[]): Promise<number> {
  try {
    const { out, as: version, repository, ...steps } = options(args);
    const packed = await pack(out && path.resolve(process.env['INIT_CWD'] ?? root, out), { version, repository });
    for (const one of packed) console.log(rowOf(one));
    console.log(
      `${path.dirname(packed[0]?.file ?? '')}: by package its tarball, own files, own files with all that it brings, and its own dependencies`,
    );
    if (steps.check && !(await isFaultless(packed))) return 1;
    if (steps.publish) await publish(packed);
    return 0;
  } catch (error) {
    console.error(`npm run pack: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}

function options(args: string[]) {
  const taken = takenByNpm(['out', 'as', 'repository', 'check', 'publish'], USAGE);
  if (taken !== undefined) throw new Error(taken);
  const [text, flag] = [{ type: 'string' }, { type: 'boolean' }] as const;
  return parse({ args, options: { out: text, as: text, repository: text, check: flag, publish: flag } }, USAGE).values;
}

function rowOf({ name, file, contents, sizeBytes, installedBytes, dependencies }: Packed): string {
  const all = [statSync(file).size, sizeBytes, installedBytes];
  const sizes = all.map((size) => kilobytes(size).padStart(10)).join('');
  return `${name.padEnd(22)}${sizes}${`${contents.length} files`.padStart(11)}  ${dependencies.join(', ')}`.trimEnd();
}

async function isFaultless(packed: readonly Packed[]): Promise<boolean> {
  const check: { isFaultless(all: readonly Packed[]): Promise<boolean> } = await import(
    pathToFileURL(path.join(root, 'lab/packages/check.mjs')).href
  );
  return check.isFaultless(packed);
}

/**
 * Publishes packages at the registry that npm is configured for. It leaves out those that the registry has, so that it can be repeated
 * after a failure.
 *
 * @param packed In this order: `create-rondo`, which installs the others, is the last one.
 * @throws Error with what npm said.
 */
async function publish(packed: readonly Packed[]): Promise<void> {
  for (const { name, version, file } of packed) {
    const known = await run('npm', ['view', `${name}@${version}`, 'version']);
    const isThere = known.code === 0 && known.output.trim() !== '';
    if (!isThere) {
      const { code, output } = await run('npm', ['publish', file, '--access', 'public']);
      if (code !== 0) throw new Error(output);
    }
    console.log(`${name}@${version} ${isThere ? 'was published before' : 'is published'}`);
  }
}
