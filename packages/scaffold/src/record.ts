import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ChangeSet } from './change-set.js';
import { runProgram } from './program.js';
import { Refusal } from './refusal.js';
import { filesAt } from './repository.js';
import { messageOf } from './thrown.js';

const FILE = '.rondo/written.json';

/** File → SHA-256 of its bytes as they were written. */
type Digests = Readonly<Record<string, string>>;

/** Remembers the bytes of files just written, and forgets files that are gone, so that an edit can be told later. */
export function recordWritten(root: string, changes: ChangeSet, files: readonly string[]): void {
  const next = new Map(Object.entries(readDigests(root)));
  for (const file of files) next.set(file, digestOf(root, file) ?? '');
  const standing = [...next].filter(([file]) => existsSync(path.join(root, file))).sort();
  changes.write(FILE, `${JSON.stringify(Object.fromEntries(standing), undefined, 2)}\n`);
}

/** Whether a file was written by us at some time. */
export const isRecorded = (root: string, file: string): boolean => readDigests(root)[file] !== undefined;

/** Whether a file stands as we wrote it. */
export const isAsWritten = (root: string, file: string): boolean =>
  isRecorded(root, file) && digestOf(root, file) === readDigests(root)[file];

/**
 * Those of `targets` whose loss would be a person's loss: git doesn't hold them, and they aren't as they were written.
 * Files that git ignores aren't looked at.
 */
export async function unsavedEdits(
  root: string,
  targets: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const changed = await changedSinceCommit(root, targets, signal);
  return changed.filter((file) => existsSync(path.join(root, file)) && !isAsWritten(root, file));
}

/** What git would call changed or new among files and folders, as paths from `root`; everything where there is no git. */
async function changedSinceCommit(
  root: string,
  targets: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (targets.length === 0) return [];
  const git = (args: readonly string[]) => runProgram('git', args, { cwd: root, signal });
  const { code, output } = await git([
    'status',
    '--porcelain',
    '-z',
    '--untracked-files=all',
    '--no-renames',
    '--',
    ...targets,
  ]);
  if (code !== 0) return targets.flatMap((target) => filesAt(root, target));
  // The paths start from git's own root, which may lie above.
  const prefix = (await git(['rev-parse', '--show-prefix'])).output.trim();
  return output
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => entry.slice('XY '.length + prefix.length));
}

function readDigests(root: string): Digests {
  const file = path.join(root, FILE);
  if (!existsSync(file)) return {};
  const pairs = Object.entries(parsed(readFileSync(file, 'utf8')) ?? {});
  return Object.fromEntries(pairs.map(([name, digest]) => [name, String(digest)]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(`can't be read: ${messageOf(error)}`, {
      place: { file: FILE },
      remedy: 'remove it: all it knows is which files are as they were written',
    });
  }
}

function digestOf(root: string, file: string): string | undefined {
  const full = path.join(root, file);
  return existsSync(full) ? createHash('sha256').update(readFileSync(full)).digest('hex') : undefined;
}
