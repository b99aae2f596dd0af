import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../workspace/errors.js';
import { runProgram } from '../workspace/program.js';
import type { ChangeSet } from './change-set.js';
import { Refusal } from './errors.js';
import { filesAt } from './repository.js';

const FILE = '.rondo/written.json';

/** File → SHA-256 of its bytes as this tool wrote them. */
type Digests = Readonly<Record<string, string>>;

/**
 * Records the digests of files that were just written, and drops files that no longer exist, so that a later edit can
 * be detected.
 */
export function recordWritten(root: string, changes: ChangeSet, files: readonly string[]): void {
  const next = new Map(Object.entries(readDigests(root)));
  for (const file of files) next.set(file, digestOf(root, file) ?? '');
  const standing = [...next].filter(([file]) => existsSync(path.join(root, file))).sort();
  changes.write(FILE, `${JSON.stringify(Object.fromEntries(standing), undefined, 2)}\n`);
}

/** Whether this tool has ever written a file. */
export const isRecorded = (root: string, file: string): boolean => readDigests(root)[file] !== undefined;

/** Whether a file is unchanged since this tool wrote it. */
export const isAsWritten = (root: string, file: string): boolean =>
  isRecorded(root, file) && digestOf(root, file) === readDigests(root)[file];

/**
 * The files below `targets` with manual edits that would be lost: git holds no copy of them, and they have changed
 * since this tool wrote them. Files that git ignores are skipped.
 */
export async function unsavedEdits(
  root: string,
  targets: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const changed = await changedSinceCommit(root, targets, signal);
  return changed.filter((file) => existsSync(path.join(root, file)) && !isAsWritten(root, file));
}

/**
 * The files below `targets` that git reports as changed or new, as paths from `root`; all files if there is no git
 * repository.
 */
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
  // git prints paths from its own root, which may be a parent folder.
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
      remedy: 'remove it: it only records which files are unchanged since they were written',
    });
  }
}

function digestOf(root: string, file: string): string | undefined {
  const full = path.join(root, file);
  return existsSync(full) ? createHash('sha256').update(readFileSync(full)).digest('hex') : undefined;
}
