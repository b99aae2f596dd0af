import { appendFileSync, copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What puts one change back. Targets are relative to the tree's root, asides to the log's folder. */
export type UndoStep =
  /** There was nothing: all that stands there goes. */
  | { readonly kind: 'made'; readonly target: string }
  /** There was a file with these bytes. */
  | { readonly kind: 'rewritten'; readonly target: string; readonly aside: string }
  /** There was this file or folder. */
  | { readonly kind: 'moved'; readonly target: string; readonly aside: string };

/** How changes are undone, also after the process that made them was killed: a step stands here before its change is made. */
export interface UndoLog {
  add(step: UndoStep): void;
  /** Undoes all, the last first, and removes the folder. */
  undo(): void;
}

const FILE = 'steps.jsonl';

/** Opens the log that is kept in `folder`, with the steps that stand there. */
export function openUndoLog(root: string, folder: string): UndoLog {
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
        // A step is never undone twice: what an earlier one has put back would go.
        writeFileSync(file, steps.map(line).join(''));
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function undoStep(step: UndoStep, { root, folder }: { readonly root: string; readonly folder: string }): void {
  const target = path.join(root, step.target);
  if (step.kind === 'made') {
    rmSync(target, { recursive: true, force: true });
    return;
  }
  const aside = path.join(folder, step.aside);
  if (!existsSync(aside)) return; // the change was never made
  if (step.kind === 'rewritten') {
    copyFileSync(aside, target);
    return;
  }
  rmSync(target, { recursive: true, force: true });
  renameSync(aside, target);
}

/** A last line that was cut short is of a change that was never made. */
function readSteps(file: string): UndoStep[] {
  if (!existsSync(file)) return [];
  const whole = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return whole.map((line): UndoStep => JSON.parse(line));
}
