import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { openUndoLog } from './undo-log.js';

/** Changes to the working tree that are kept together or undone together. Paths are relative to its root. */
export interface ChangeSet {
  /** Makes or replaces a file, with the folders that it needs. */
  write(file: string, content: string | Uint8Array): void;
  /** Takes a file or folder away; nothing happens where there is none. */
  remove(target: string): void;
  /** Remembers a file or folder as it stands, for a program that is about to change it. */
  guard(target: string): void;
  /** The files that were written, in order. */
  written(): readonly string[];
  /** What is done stays. */
  keep(): void;
  /** Puts everything back as it was. */
  undo(): void;
}

/** Where the sets are kept that are under way: in the tree, so that a rename suffices, and where git looks away. */
const SETS = '.rondo';
const PREFIX = 'undo-';

/**
 * Does `work`, and keeps its changes to the tree at `root` when it succeeds: where it fails, or the process exits
 * meanwhile, they are undone.
 */
export async function withChanges<T>(root: string, work: (changes: ChangeSet) => Promise<T>): Promise<T> {
  const changes = beginChanges(root);
  try {
    const done = await work(changes);
    changes.keep();
    return done;
  } catch (error) {
    changes.undo();
    throw error;
  }
}

/**
 * Begins a set of changes to the tree at `root`. It is undone when the process exits before {@link ChangeSet.keep}; all
 * of it is synchronous, so that nothing can come between. Where the process is killed, {@link undoLeftovers} undoes it.
 */
export function beginChanges(root: string): ChangeSet {
  mkdirSync(path.join(root, SETS), { recursive: true });
  const folder = mkdtempSync(path.join(root, SETS, PREFIX));
  const log = openUndoLog(root, folder);
  const written = new Set<string>();
  const at = (target: string) => path.join(root, target);
  let asides = 0;
  const nextAside = () => `${asides++}`;

  let ended = false;
  const end = (how: () => void) => {
    if (ended) return;
    ended = true;
    process.off('exit', undo);
    how();
  };
  const undo = () => end(() => log.undo());
  process.once('exit', undo);

  return {
    write(file, content) {
      if (existsSync(at(file))) {
        const aside = nextAside();
        copyFileSync(at(file), path.join(folder, aside));
        log.add({ kind: 'rewritten', target: file, aside });
      } else {
        log.add({ kind: 'made', target: path.relative(root, highestMissing(at(file))) });
      }
      mkdirSync(path.dirname(at(file)), { recursive: true });
      writeFileSync(at(file), content);
      written.add(file);
    },
    remove(target) {
      if (!existsSync(at(target))) return;
      const aside = nextAside();
      log.add({ kind: 'moved', target, aside });
      renameSync(at(target), path.join(folder, aside));
    },
    guard(target) {
      if (!existsSync(at(target))) {
        log.add({ kind: 'made', target });
        return;
      }
      const aside = nextAside();
      const options = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };
      cpSync(at(target), path.join(folder, aside), options);
      log.add({ kind: 'moved', target, aside });
    },
    written: () => [...written],
    keep: () => end(() => rmSync(folder, { recursive: true, force: true })),
    undo,
  };
}

/**
 * Undoes the changes of processes that were killed over them. Whoever calls this holds the tree: a set that is under way
 * is a leftover, too.
 *
 * @returns Whether there were any.
 */
export function undoLeftovers(root: string): boolean {
  const sets = path.join(root, SETS);
  const left = existsSync(sets) ? readdirSync(sets).filter((name) => name.startsWith(PREFIX)) : [];
  for (const name of left) openUndoLog(root, path.join(sets, name)).undo();
  return left.length > 0;
}

/** What is made for a file: a folder that wasn't there goes with all that came into it. */
function highestMissing(target: string): string {
  const parent = path.dirname(target);
  return existsSync(parent) ? target : highestMissing(parent);
}
