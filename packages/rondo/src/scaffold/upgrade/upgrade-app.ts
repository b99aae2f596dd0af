import { readFileSync } from 'node:fs';
import path from 'node:path';
import { publishedVersions, renderTemplate, type TemplateOptions, withVendored } from 'create-rondo';
import { projectFolders } from '../../workspace/files.js';
import { ProgramFailed, runProgram } from '../../workspace/program.js';
import { hasDatabase, WORKSPACE } from '../add-database.js';
import { type ChangeSet, withChanges } from '../change-set.js';
import { Refusal } from '../errors.js';
import { packagesOf } from '../packages.js';
import { filesAt, readText } from '../repository.js';
import { backUpProducts, build, command, install, type Progress, tryBuild, type Workspace } from '../workspace.js';
import { HANDOVER, type Handover, type Migration } from './migration.js';
import { inFolder, inRegistry, isOlder, type Target } from './target.js';

/** The options of `rondo upgrade`. */
export interface UpgradeOptions extends Workspace {
  /** By default the newest. */
  readonly version: string | undefined;
  /** A folder with the packages; by default the registry has them. */
  readonly packages: string | undefined;
  readonly force: boolean;
  readonly progress: Progress;
}

/** An app that was upgraded. */
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
 * Moves an app to another version of Rondo's packages. If it fails, the tree is unchanged, with what is installed.
 *
 * @throws Refusal for what isn't possible, before anything is written. ProgramFailed if a step fails.
 */
export async function upgradeApp(options: UpgradeOptions): Promise<UpgradedApp> {
  const { root, signal, progress, force } = options;
  const { handover, target } = await progress.step('check', () => plan(options));
  const done = { from: handover.from, to: target.version };
  if (done.from === done.to && target.tarballs.length + vendored(root).length === 0) {
    return { ...done, files: [], left: [], complaints: undefined };
  }
  return withChanges(root, async (changes) => {
    setAside(root, changes);
    changes.write(HANDOVER, JSON.stringify(handover));
    await progress.step('install', () => installTarget(options, target, changes));
    const next = { root, signal, tool: path.join(root, 'node_modules/@rondo/tool') };
    const migration = await progress.step('migrate', () => migrate(next, changes));
    await progress.step('update', () => install(next)); // other packages may have moved
    const built = () => (force ? tryBuild(next) : build(next).then(() => undefined));
    const complaints = await progress.step('build', built);
    changes.remove(HANDOVER);
    const files = [...new Set(changes.written())].filter((file) => !/^(?:vendor|\.rondo)\//.test(file));
    return { ...done, files, left: migration.left, hints: migration.hints ?? [], complaints };
  });
}

async function plan(options: UpgradeOptions): Promise<{ readonly handover: Handover; readonly target: Target }> {
  const { root, tool, version, packages: folder } = options;
  const packages = packagesOf(root);
  if (packages.compiles('rondo')) {
    const remedy = 'merge the new commits instead';
    throw new Refusal("this is Rondo's own repository, and no app that installs its packages", { remedy });
  }
  await refuseUncommitted(options);
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
const packageManagerOf = (root: string): TemplateOptions['packageManager'] =>
  filesAt(root, README).some((file) => readText(root, file).includes('pnpm start')) ? 'pnpm' : 'npm';

async function refuseUncommitted({ root, signal }: Workspace): Promise<void> {
  const { code, output } = await runProgram('git', ['status', '--porcelain', '--', '.'], { cwd: root, signal });
  if (code === 0 && output === '') return;
  const [first = ''] = output.split('\n');
  const remedy = 'commit everything first, so that git diff shows what the upgrade changes';
  throw new Refusal(code === 0 ? `git holds no copy of changes here: ${first.trim()}` : first, { remedy });
}

/** Moves what is installed out of the way, with what is built: undoing the changes brings it back as it was. */
function setAside(root: string, changes: ChangeSet): void {
  backUpProducts(changes);
  changes.backUp(WORKSPACE); // pnpm notes in it which packages are younger than it asks for
  for (const folder of projectFolders(root)) {
    changes.backUp(`${folder}/dist`);
    changes.remove(`${folder}/node_modules`);
  }
  changes.remove('node_modules');
}

/** Installs the packages by the manifests, because the scripts that install otherwise are moved away. */
async function installTarget({ root, signal }: Workspace, { version, tarballs }: Target, changes: ChangeSet) {
  const edit = (file: string, change: (text: string) => string) => {
    const text = readText(root, file);
    if (change(text) !== text) changes.write(file, change(text));
  };
  // They may be in the folder that is emptied.
  const packages = new Map(tarballs.map((file) => [path.basename(file), readFileSync(file)]));
  for (const file of vendored(root)) changes.remove(file);
  if (filesAt(root, VENDOR).length === 0) changes.remove(VENDOR);
  for (const [file, bytes] of packages) changes.write(`${VENDOR}/${file}`, bytes);
  edit(WORKSPACE, (text) => withVendored(text, [...packages.keys()]));
  for (const folder of ['.', ...projectFolders(root)]) {
    edit(path.posix.join(folder, 'package.json'), (text) => atVersion(text, version));
  }
  const { packageManager } = JSON.parse(readText(root, 'package.json'));
  const args = ['--yes', packageManager, 'install', '--no-frozen-lockfile'];
  const { code, output } = await runProgram('npx', args, { cwd: root, signal });
  if (code !== 0) throw new ProgramFailed(`the packages of ${version} could not be installed`, output);
}

/** The packages of Rondo that the app has as files. */
const vendored = (root: string) =>
  filesAt(root, VENDOR).filter((file) => /\/(?:rondo-[a-z-]+|create-rondo)-\d[^/]*\.tgz$/.test(file));

/** The text of a package.json with this version of all packages of Rondo. */
export const atVersion = (text: string, version: string): string =>
  text.replaceAll(/("@rondo\/[\w-]+": ")(?!workspace:)[^"]*"/g, `$1${version}"`);

/** Has the new version plan its changes, and makes them. */
async function migrate(next: Workspace, changes: ChangeSet): Promise<Migration> {
  const { root } = next;
  await command(next, ['migrate'], 'the new version could not plan its changes');
  const migration: Migration = JSON.parse(readText(root, HANDOVER));
  for (const [file, text] of Object.entries(migration.files)) {
    if (text === null) changes.remove(file);
    else changes.write(file, text);
  }
  return migration;
}
