import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../workspace/errors.js';
import { quoted } from '../workspace/options.js';
import { run } from '../workspace/process.js';
import { Refusal } from './errors.js';
import { differingLines } from './merge-file.js';
import { readText } from './repository.js';
import { format, isFormatted, type Progress, type Workspace } from './workspace.js';

/** The files of a workspace by their paths from its root; null for one to remove. */
export type Files = ReadonlyMap<string, string | Uint8Array | null>;

/** A workspace that a command changes. Git is what takes the changes back. */
export interface Tree extends Workspace {
  readonly progress: Progress;
  /** Whether git has a copy of everything. If not, only files that didn't exist are written. */
  readonly isCommitted: boolean;
  /** The files that were written so far. */
  readonly written: Map<string, 'new' | 'changed'>;
}

/** Lines that belong into a file which a command leaves alone. */
export interface Paste {
  readonly file: string;
  readonly lines: string;
}

interface TreeOptions extends Workspace {
  readonly progress: Progress;
  /** Whether to go on if git has no copy of something. */
  readonly force: boolean;
  /** Gets what the user has to know before something is written, and how it is taken back. */
  readonly say: (line: string) => Promise<void>;
}

/** What a command changes besides the files that it writes: by pnpm, and as Kubernetes follows the services. */
const ALSO = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'infra/kubernetes/base'];

/**
 * Does `work` on a workspace of which git has a copy. Whatever ends it early, an error says by which commands git takes back what was
 * written.
 *
 * @throws Refusal, before `work`, if there are uncommitted changes, unless it is forced.
 */
export async function onTree<T>(options: TreeOptions, work: (tree: Tree) => Promise<T>): Promise<T> {
  const { force, say, ...workspace } = options;
  const { root, signal } = workspace;
  // It fails if there is no git, or no repository.
  const { code, output } = await run('git', ['status', '--porcelain', '--', '.'], { cwd: root, signal });
  const changes = code === 0 ? output.split('\n').filter((line) => line !== '') : undefined;
  if (!force && changes !== undefined && changes.length > 0) {
    const remedy = 'commit first, so that git can take back what is written: git add . && git commit (or add --force)';
    throw new Refusal(`git holds no copy of changes here: ${changes[0]?.trim()}`, { remedy });
  }
  const isCommitted = changes?.length === 0;
  const why = changes === undefined ? 'there is no repository of git' : 'there are uncommitted changes';
  if (!isCommitted) await say(`git can't take back what is written, as ${why}: only new files are written.`);
  const tree: Tree = { ...workspace, isCommitted, written: new Map() };
  try {
    return await work(tree);
  } catch (error) {
    const commands = await takingBack(tree);
    if (commands === '') throw error;
    const hint = `Some of it is written. This takes it back: ${commands}`;
    if (options.signal.aborted) await say(hint);
    throw new Error(`${messageOf(error)}\n${hint}`, { cause: error });
  }
}

/** The commands that take back what was written, and nothing else; empty if nothing was. */
async function takingBack({ root, isCommitted, written }: Tree): Promise<string> {
  const made = [...written].filter(([, state]) => state === 'new').map(([file]) => file);
  if (!isCommitted) return made.length === 0 ? '' : `rm ${words(made)}`;
  const ours = [...written.keys(), ...ALSO].map((file) => `${file}/`);
  const listed = async (...how: readonly string[]) => {
    const { output } = await run('git', ['ls-files', '-z', ...how], { cwd: root }); // the command may be aborted
    const isOurs = (found: string) => ours.some((file) => file.startsWith(found) || found.startsWith(file));
    return output.split('\0').filter((found) => found !== '' && isOurs(found));
  };
  const changed = await listed('--modified');
  const added = await listed('--others', '--exclude-standard', '--directory');
  return [
    ...(changed.length === 0 ? [] : [`git checkout -- ${words(changed)}`]),
    ...(added.length === 0 ? [] : [`git clean -fdx -- ${words(added)}`]),
  ].join(' && ');
}

/** Words of a command line, as a POSIX shell reads them. */
const words = (all: readonly string[]) => all.map(quoted).join(' ');

/**
 * Writes files and formats those of services. Of a tree without a copy in git, those that exist stay as they are.
 *
 * @returns the lines that belong into them.
 */
export async function writeAll(tree: Tree, files: Files): Promise<readonly Paste[]> {
  const { root, isCommitted } = tree;
  const changes = [...files].filter(([file, text]) => differs(root, file, text));
  const existing = changes.filter(([file]) => existsSync(path.join(root, file)));
  const kept = isCommitted ? [] : existing;
  const paste = await Promise.all(
    kept.map(async ([file, text]) => ({ file, lines: await differingLines(readText(root, file), String(text ?? '')) })),
  );
  const writing = changes.filter((one) => !kept.includes(one));
  const isCode = ([file, text]: (typeof changes)[number]) => text !== null && /^services\/.*\.(?:ts|json)$/.test(file);
  const code = writing.filter(isCode).map(([file]) => file);
  const edited = existing.filter(isCode).map(([file]) => file);
  // A file that its author formats in another way keeps that.
  const isTidy = await isFormatted(tree, edited);
  writeFiles(tree, new Map(writing));
  await format(tree, isTidy ? code : code.filter((file) => !edited.includes(file)));
  return paste;
}

/** Writes files as they are given. */
export function writeFiles({ root, written }: Tree, files: Files): void {
  for (const [file, text] of files) {
    if (!differs(root, file, text)) continue;
    const target = path.join(root, file);
    written.set(file, existsSync(target) ? 'changed' : 'new');
    mkdirSync(path.dirname(target), { recursive: true });
    if (text === null) rmSync(target, { recursive: true });
    else writeFileSync(target, text);
  }
}

function differs(root: string, file: string, text: string | Uint8Array | null): boolean {
  const target = path.join(root, file);
  if (!existsSync(target)) return text !== null;
  return text === null || !readFileSync(target).equals(Buffer.from(text));
}
