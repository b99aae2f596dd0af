import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { publishedVersions, renderTemplate, withVendored } from 'create-rondo';
import { projectFolders } from '../../workspace/files.js';
import { run } from '../../workspace/process.js';
import { hasDatabase, WORKSPACE } from '../add-database.js';
import { Refusal } from '../errors.js';
import { packagesOf } from '../packages.js';
import { filesAt, readText } from '../repository.js';
import { type Files, type Tree, writeFiles } from '../tree.js';
import { command, outputIfFailed, ProgramFailed, type Workspace } from '../workspace.js';
import { HANDOVER, type Handover, type Migration } from './migration.js';

export interface UpgradeOptions extends Tree {
  /** By default the newest. */
  readonly version: string | undefined;
  /** A folder with the packages; by default the registry has them. */
  readonly packages: string | undefined;
  /** Whether an app that doesn't build with it is no error. */
  readonly force: boolean;
}

export interface UpgradedApp extends Pick<Migration, 'left' | 'hints'> {
  readonly from: string;
  readonly to: string;
  /** The changed files, without the packages themselves. There are none if there was nothing to do. */
  readonly files: readonly string[];
  /** The output of the compiler if the app doesn't build, and was to be kept. */
  readonly complaints: string | undefined;
}

const VENDOR = 'vendor';
const README = 'README.md';

/**
 * Moves an app to another version of Rondo's packages.
 *
 * @throws Refusal for what isn't possible, before anything is written. ProgramFailed if a step fails.
 */
export async function upgradeApp(options: UpgradeOptions): Promise<UpgradedApp> {
  const { root, signal, progress, force } = options;
  const { handover, target } = await progress.step('check', () => plan(options));
  const done = { from: handover.from, to: target.version };
  if (done.from === done.to && target.tarballs.length + vendored(root).length === 0)
    return { ...done, files: [], left: [], complaints: undefined };
  writeFiles(options, new Map([[HANDOVER, JSON.stringify(handover)]]));
  await progress.step('install', () => installTarget(options, target));
  const next = { root, signal, tool: path.join(root, 'node_modules/@rondo/tool') };
  const migration = await progress.step('migrate', async (): Promise<Migration> => {
    await command(next, ['migrate'], 'the new version could not plan its changes');
    return JSON.parse(readText(root, HANDOVER));
  });
  const { files, left, hints = [] } = migration;
  writeFiles(options, new Map([...Object.entries(files), [HANDOVER, null]]));
  await progress.step('update', () => command(next, ['install'], 'the packages could not be installed')); // others may have moved
  const build = () => command(next, ['build'], 'it does not build');
  const complaints = await progress.step('build', async () => (force ? outputIfFailed(build()) : void (await build())));
  const written = [...options.written.keys()].filter((file) => !/^(?:vendor|\.rondo)\//.test(file));
  return { ...done, files: written, left, hints, complaints };
}

async function plan(options: UpgradeOptions): Promise<{ readonly handover: Handover; readonly target: Target }> {
  const { root, tool, version, packages: folder } = options;
  const packages = packagesOf(root);
  if (packages.compiles('rondo')) {
    const remedy = 'merge the new commits instead';
    throw new Refusal("this is Rondo's own repository, and no app that installs its packages", { remedy });
  }
  if (!options.isCommitted) {
    const remedy = 'commit everything first, so that git diff shows what the upgrade changes';
    throw new Refusal('git holds no copy of the app', { remedy });
  }
  const { version: from } = JSON.parse(readText(tool, 'package.json'));
  const named = packages.versionOf('tool');
  if (named !== from) {
    const remedy = 'install first: npm run build';
    throw new Refusal(`package.json names @rondo/tool ${named}, but ${from} is installed`, { remedy });
  }
  const target = folder === undefined ? await inRegistry(options, version) : inFolder(folder, version);
  if (isOlder(target.version, from)) {
    const remedy = 'revert the commit of the upgrade instead';
    throw new Refusal(`${target.version} is older than ${from}`, { remedy });
  }
  const name = packages.scope.slice(1);
  const withDatabase = hasDatabase(root);
  const made = { name, withDatabase, packageManager: packageManagerOf(root) };
  const template = renderTemplate({ ...made, versions: publishedVersions() });
  return { handover: { ...made, from, template }, target };
}

/** The program whose commands README.md has. */
const packageManagerOf = (root: string): Handover['packageManager'] =>
  filesAt(root, README).some((file) => readText(root, file).includes('pnpm start')) ? 'pnpm' : 'npm';

/** Installs the packages by the manifests, and not by a script of the version that is replaced. */
async function installTarget(options: UpgradeOptions, { version, tarballs }: Target): Promise<void> {
  const { root, signal } = options;
  // They may be in the folder that is emptied.
  const packages = tarballs.map((file) => [`${VENDOR}/${path.basename(file)}`, readFileSync(file)] as const);
  const names = packages.map(([file]) => path.basename(file));
  const manifests = ['.', ...projectFolders(root)].map((folder) => path.posix.join(folder, 'package.json'));
  const files: Files = new Map<string, string | Uint8Array | null>([
    ...vendored(root).map((file) => [file, null] as const),
    ...packages,
    [WORKSPACE, withVendored(readText(root, WORKSPACE), names)],
    ...manifests.map((file) => [file, atVersion(readText(root, file), version)] as const),
  ]);
  writeFiles(options, files);
  const { packageManager } = JSON.parse(readText(root, 'package.json'));
  // What is installed is replaced without a question.
  const args = ['--yes', packageManager, 'install', '--no-frozen-lockfile', '--config.confirmModulesPurge=false'];
  const { code, output } = await run('npx', args, { cwd: root, signal });
  if (code !== 0) throw new ProgramFailed(`the packages of ${version} could not be installed`, output);
}

/** The packages of Rondo that the app has as files. */
const vendored = (root: string) =>
  filesAt(root, VENDOR).filter((file) => /\/(?:rondo-[a-z-]+|create-rondo)-\d[^/]*\.tgz$/.test(file));

/** The text of a package.json with this version of all packages of Rondo. */
export const atVersion = (text: string, version: string): string =>
  text.replaceAll(/("@rondo\/[\w-]+": ")(?!workspace:)[^"]*"/g, `$1${version}"`);

interface Target {
  readonly version: string;
  /** The paths of its packages; none if the registry has them. */
  readonly tarballs: readonly string[];
}

/**
 * Finds a version in the registry, by default the newest.
 *
 * @throws Refusal if the registry doesn't have it.
 */
async function inRegistry({ root, signal }: Workspace, wanted = 'latest'): Promise<Target> {
  const { output } = await run('npm', ['view', `@rondo/tool@${wanted}`, 'version'], { cwd: root, signal });
  const version = /^\d+\.\d+\.\d+\S*$/m.exec(output)?.[0];
  if (version !== undefined) return { version, tarballs: [] };
  const remedy = 'name a version that it has, or by --packages the folder that npm run pack -- --out has written';
  throw new Refusal(`the registry has no @rondo/tool@${wanted}`, { remedy });
}

/**
 * Finds the packages of a version in the folder that `npm run pack -- --out` has written.
 *
 * @throws Refusal if there are none, or if there are several versions and none is wanted.
 */
export function inFolder(folder: string, wanted: string | undefined): Target {
  const all = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  const files = all.filter((file) => file.endsWith('.tgz'));
  const versions = files.flatMap((file) => /^rondo-tool-(\d.*)\.tgz$/.exec(file)?.[1] ?? []);
  const [version, other] = versions.filter((one) => wanted === undefined || one === wanted);
  if (version === undefined) {
    const remedy = 'npm run pack -- --out writes them in a clone of Rondo';
    throw new Refusal(`${folder} has no packages${wanted === undefined ? '' : ` of ${wanted}`}`, { remedy });
  }
  if (other !== undefined)
    throw new Refusal(`${folder} has packages of ${versions.join(', ')}`, { remedy: 'name the version' });
  const tarballs = files.filter((file) => file.endsWith(`-${version}.tgz`)).sort();
  return { version, tarballs: tarballs.map((file) => path.join(folder, file)) };
}

/** Whether a version precedes another one. A pre-release precedes its release. Source: Semantic Versioning 2.0.0, 11 */
export function isOlder(version: string, other: string): boolean {
  const sortable = (one: string) => (one.includes('-') ? one : `${one}~`); // "-" sorts before "~"
  return sortable(version).localeCompare(sortable(other), 'en', { numeric: true }) < 0;
}
