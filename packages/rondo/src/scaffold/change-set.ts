import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

/**
 * A set of changes to the working tree that is kept or undone as a whole. Paths are relative to the root of the tree.
 */
export interface ChangeSet {
  /** Creates or replaces a file, with the folders that it needs. */
  write(file: string, content: string | Uint8Array): void;
  /** Removes a file or folder, if it exists. */
  remove(target: string): void;
  /** Backs up a file or folder that another program is about to change. */
  backUp(target: string): void;
  /** The files that were written, in order. */
  written(): readonly string[];
  keep(): void;
  /** Restores everything as it was. */
  undo(): void;
}

/** The folder of the sets in progress. It lies in the tree, so that backups need only a rename, and git ignores it. */
const SETS = '.rondo';
const PREFIX = 'undo-';

/**
 * Does `work` and keeps its changes to the tree at `root` if it succeeds. If it fails, or the process exits meanwhile,
 * the changes are undone.
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
 * Begins a set of changes to the tree at `root`. It is undone if the process exits before {@link ChangeSet.keep}.
 * Everything is synchronous, so that no other code runs in between. If the process is killed, {@link undoAbandoned}
 * undoes the set.
 */
export function beginChanges(root: string): ChangeSet {
  mkdirSync(path.join(root, SETS), { recursive: true });
  const folder = mkdtempSync(path.join(root, SETS, PREFIX));
  const log = openUndoLog(root, folder);
  const written = new Set<string>();
  const at = (target: string) => path.join(root, target);
  let asides = 0;
  const nextAside = () => `${asides++}`;
  const save = (target: string) => {
    const aside = nextAside();
    const options = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };
    cpSync(at(target), path.join(folder, aside), options);
    log.add({ target, aside });
  };

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
      if (existsSync(at(file))) save(file);
      else log.add({ target: path.relative(root, highestMissing(at(file))) });
      mkdirSync(path.dirname(at(file)), { recursive: true });
      writeFileSync(at(file), content);
      written.add(file);
    },
    remove(target) {
      if (!existsSync(at(target))) return;
      const aside = nextAside();
      log.add({ target, aside });
      renameSync(at(target), path.join(folder, aside));
    },
    backUp(target) {
      if (existsSync(at(target))) save(target);
      else log.add({ target });
    },
    written: () => [...written],
    keep: () => end(() => rmSync(folder, { recursive: true, force: true })),
    undo,
  };
}

/**
 * Undoes the changes of processes that were killed before they finished. The caller must hold the tree lock: a set in
 * progress would be undone, too.
 *
 * @returns Whether there were any.
 */
export function undoAbandoned(root: string): boolean {
  const sets = path.join(root, SETS);
  const left = existsSync(sets) ? readdirSync(sets).filter((name) => name.startsWith(PREFIX)) : [];
  for (const name of left) openUndoLog(root, path.join(sets, name)).undo();
  return left.length > 0;
}

/** The highest part of a path that doesn't exist yet. Undoing removes it with everything in it. */
function highestMissing(target: string): string {
  const parent = path.dirname(target);
  return existsSync(parent) ? target : highestMissing(parent);
}

/** How to undo one change. Targets are relative to the tree's root, asides to the log's folder. */
interface UndoStep {
  readonly target: string;
  /** The file or folder as it was, to move back; missing if it didn't exist, and is to be removed. */
  readonly aside?: string;
}

/**
 * A log of undo steps. A step is logged before its change is made, so that the changes can be undone even after the
 * process was killed.
 */
interface UndoLog {
  add(step: UndoStep): void;
  /** Undoes all steps, the last one first, and removes the folder. */
  undo(): void;
}

const FILE = 'steps.jsonl';

/** Opens the log in `folder` with the steps that it contains. */
function openUndoLog(root: string, folder: string): UndoLog {
  const file = path.join(folder, FILE);
  const steps = readSteps(file);
  const line = (step: UndoStep) => `${JSON.stringify(step)}\n`;
  return {
    add(step) {
      steps.push(step);
      appendFileSync(file, line(step));
    },
    undo() {
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
        undoStep(step, { root, folder });
        // A step must never be undone twice: that would remove what an earlier step has restored.
        writeFileSync(file, steps.map(line).join(''));
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function undoStep(step: UndoStep, { root, folder }: { readonly root: string; readonly folder: string }): void {
  const target = path.join(root, step.target);
  const aside = step.aside === undefined ? undefined : path.join(folder, step.aside);
  if (aside !== undefined && !existsSync(aside)) return; // the change was never made
  rmSync(target, { recursive: true, force: true });
  if (aside !== undefined) renameSync(aside, target);
}

/** An incomplete last line belongs to a change that was never made. */
function readSteps(file: string): UndoStep[] {
  if (!existsSync(file)) return [];
  const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return whole.map((line): UndoStep => JSON.parse(line));
}
