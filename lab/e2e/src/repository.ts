import { copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Ended, root, start } from '@rondo/harness';
import { workspaceFolders } from '../../../e2e/src/planned-instances.js';

/** A copy of the repository in which a test may write: a git repository of one commit, installed and built. */
export type Clone = ReturnType<typeof open>;

/** What is built already is copied with its times, so that the copy's own build finds nothing to do. */
const BUILT = [
  'packages/contracts/src',
  'packages/contracts/descriptors.binpb',
  '.rondo/pnpm',
  '.rondo/tests.tsbuildinfo',
];

/** Rondo's own services. A test must not depend on the services that a team has added. */
const OWN_SERVICES = ['registry', 'gateway', 'calculator', 'project-management', 'sales'];

/**
 * Copies the repository as it is here: the files that git has or would add, with their changes, and what is built. The copy
 * has only Rondo's own services.
 *
 * @throws Error with the output of the step that failed.
 */
export async function cloneRepository(): Promise<Clone> {
  // A folder may have any name. This one breaks code that takes a path for a URL, or for words of a command line. On the
  // disk of pnpm's store, installed packages are links.
  const clone = open(mkdtempSync(join(process.env['TMPDIR_ON_DISK'] ?? tmpdir(), 'rondo clone #1 ')));
  try {
    await copySources(clone.root);
    for (const built of [...BUILT, ...workspaceFolders().map((folder) => `${folder}/dist`)])
      copyBuilt(built, clone.root);
    await succeed('the build of the copy', clone.node('scripts/rondo.mjs', 'build'));
    await clone.git('init', '--quiet', '--initial-branch=main');
    await clone.git('add', '--all');
    await clone.git('commit', '--quiet', '--message=A copy');
    await removeAdded(clone);
    return clone;
  } catch (error) {
    clone.remove();
    throw error;
  }
}

const GIT_ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@rondo.example',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@rondo.example',
};

function open(folder: string) {
  const node = (...args: readonly string[]) => start(process.execPath, args, { cwd: folder });
  return {
    root: folder,
    /** Runs a program of Node's in it to its end: `node('scripts/rondo.mjs', 'check')`. */
    node: (...args: readonly string[]) => node(...args).ended,
    /** Runs a program in it to its end, with CI=false: some tools behave differently in CI. */
    run: (program: string, ...args: readonly string[]) =>
      start(program, args, { cwd: folder, env: { CI: 'false' } }).ended,
    /** Runs `rondo` of this copy to its end. */
    rondo: (...args: readonly string[]) => node('scripts/rondo.mjs', ...args).ended,
    startRondo: (...args: readonly string[]) => node('scripts/rondo.mjs', ...args),
    /** Runs git in it, and resolves to what it printed. */
    git: (...args: readonly string[]) => git(folder, args),
    /** Commits everything, as commands that write ask for. */
    async commit() {
      await git(folder, ['add', '--all']);
      await git(folder, ['commit', '--quiet', '--allow-empty', '--message=More']);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function git(cwd: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await start('git', args, { cwd, env: GIT_ENVIRONMENT }).ended;
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout;
}

async function copySources(to: string): Promise<void> {
  const listed = await git(root, ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  for (const file of listed.split('\0').filter((name) => name !== '' && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    copyFileSync(join(root, file), join(to, file));
  }
}

async function succeed(what: string, work: Promise<Ended>): Promise<void> {
  const { code, stdout, stderr } = await work;
  if (code !== 0) throw new Error(`${what} failed: ${stdout}${stderr}`);
}

async function removeAdded(clone: Clone): Promise<void> {
  const remaining = addedServices(clone.root);
  if (remaining.length === 0) return;
  for (const service of remaining) {
    await succeed(`the removal of ${service}`, clone.rondo('remove', 'service', service, '--force'));
  }
  await clone.git('add', '--all');
  await clone.git('commit', '--quiet', '--amend', '--message=A copy');
}

const addedServices = (folder: string): readonly string[] =>
  readdirSync(join(folder, 'services')).filter((service) => !OWN_SERVICES.includes(service));

function copyBuilt(built: string, to: string): void {
  const from = join(root, built);
  if (!existsSync(from)) return;
  const recursive = lstatSync(from).isDirectory();
  cpSync(from, join(to, built), { recursive, preserveTimestamps: true });
}
