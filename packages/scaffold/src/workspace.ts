import path from 'node:path';
import type { ChangeSet } from './change-set.js';
import { ProgramFailed, runProgram } from './program.js';

/** The repository that is worked on. */
export interface Workspace {
  /** Its folder. */
  readonly root: string;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/** What installing and building change, beside the folders of a new service. */
const PRODUCTS = [
  'pnpm-lock.yaml',
  'node_modules/.modules.yaml',
  'node_modules/.pnpm/lock.yaml',
  'node_modules/.pnpm-workspace-state-v1.json',
  'node_modules/.rondo-installed',
  'packages/contracts/src',
  'packages/contracts/dist',
  'packages/contracts/descriptors.binpb',
];

/** Lets the changes remember what {@link install} and {@link build} are about to change. */
export function guardProducts(changes: ChangeSet): void {
  for (const product of PRODUCTS) changes.guard(product);
}

/** Formats files as `npm run check` wants them, and puts their imports in order. */
export async function format({ root, signal }: Workspace, files: readonly string[]): Promise<void> {
  if (files.length === 0) return;
  const biome = path.join(root, 'node_modules/.bin/biome');
  const args = ['check', '--write', '--linter-enabled=false', ...files];
  const { code, output } = await runProgram(biome, args, { cwd: root, signal });
  if (code !== 0) throw new ProgramFailed('the new files could not be formatted', output);
}

/** Whether a file is formatted as {@link format} would have it. */
export async function isFormatted({ root, signal }: Workspace, file: string): Promise<boolean> {
  const biome = path.join(root, 'node_modules/.bin/biome');
  const { code } = await runProgram(biome, ['check', '--linter-enabled=false', file], { cwd: root, signal });
  return code === 0;
}

/** Installs the workspace; the lock file follows the manifests. */
export const install = (workspace: Workspace): Promise<void> =>
  script(workspace, ['scripts/relock.mjs'], 'the packages could not be installed');

/** Generates from the contracts, and compiles. */
export const build = (workspace: Workspace): Promise<void> =>
  script(workspace, ['scripts/run.mjs', 'build'], 'it does not build');

/** Does what {@link build} does; resolves to what was said where it fails. */
export async function tryBuild(workspace: Workspace): Promise<string | undefined> {
  try {
    await build(workspace);
    return undefined;
  } catch (error) {
    if (error instanceof ProgramFailed) return error.output;
    throw error;
  }
}

/** Runs the tests of a service. @throws ProgramFailed with what they said if one fails. */
export const testService = (workspace: Workspace, name: string): Promise<void> =>
  script(workspace, ['scripts/run.mjs', 'test', `services/${name}/`], 'its tests fail');

/** What main's clients would miss in the contracts as they are: buf's words, a line each. */
export async function findBreaks({ root, signal }: Workspace): Promise<readonly string[]> {
  const args = ['scripts/run.mjs', 'breaking'];
  const { output } = await runProgram(process.execPath, args, { cwd: root, signal });
  return output.split('\n').filter((line) => line.startsWith('proto/'));
}

async function script({ root, signal }: Workspace, args: readonly string[], failure: string): Promise<void> {
  const { code, output } = await runProgram(process.execPath, args, { cwd: root, signal });
  if (code !== 0) throw new ProgramFailed(failure, output);
}
