import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Ended, run } from '../workspace/process.js';

/** A file of the template; undefined where there is none. */
export interface Versions {
  /** As the app has it. */
  readonly own: string | undefined;
  /** As the template of the version before has it. */
  readonly before: string | undefined;
  /** As the new template has it. */
  readonly after: string | undefined;
}

/** The file as the app has it from now on; `lines` are what the new template has otherwise, if the app's edits stay in its way. */
export interface Merged {
  readonly text: string | undefined;
  readonly lines?: string;
}

/** Brings the template's change into the app's file: as a whole if the app hasn't edited it, else as git merges. */
export async function mergeFile({ own, before, after }: Versions): Promise<Merged> {
  if (before === after || own === after) return { text: own };
  if (own === before) return { text: after };
  if (own === undefined) return { text: own }; // the app has removed it
  if (before !== undefined && after !== undefined) {
    const merging = ['merge-file', '--quiet', '--stdout', 'own', 'before', 'after'];
    const { code, output } = await gitOn({ own, before, after }, ...merging);
    if (code === 0) return { text: output };
  }
  return { text: own, lines: await differingLines(before ?? '', after ?? '') };
}

/** The lines in which two texts differ, as `git diff` prints them. */
export async function differingLines(before: string, after: string): Promise<string> {
  const how = ['diff', '--no-index', '--no-color', '--no-ext-diff', '-U0', 'before', 'after'];
  const { output } = await gitOn({ before, after }, ...how);
  const hunks = output.slice(output.indexOf('\n@@')).split('\n');
  return hunks.filter((line) => /^[-+]/.test(line)).join('\n');
}

async function gitOn(files: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ended> {
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-merge-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
    return await run('git', args, { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The text of a package.json with the versions that the new template names, where it has those that the one before named. */
export function movePins(text: string, { before, after }: Omit<Versions, 'own'>): string {
  const wanted = pinsIn(after);
  return [...pinsIn(before)].reduce(
    (moved, [name, version]) => moved.replace(`"${name}": "${version}"`, `"${name}": "${wanted.get(name) ?? version}"`),
    text,
  );
}

function pinsIn(manifest = '{}'): ReadonlyMap<string, string> {
  const { dependencies, devDependencies } = JSON.parse(manifest);
  return new Map(Object.entries({ ...dependencies, ...devDependencies }));
}
