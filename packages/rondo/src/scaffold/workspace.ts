import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { type Ended, native } from '../workspace/process.js';
import { ProgramFailed, runProgram } from '../workspace/program.js';
import type { ChangeSet } from './change-set.js';
import type { Stub } from './render/app.js';

/** The workspace to work on. */
export interface Workspace {
  readonly root: string;
  /** The folder of the package @rondo/tool, which installs, builds and tests it. */
  readonly tool: string;
  readonly signal: AbortSignal;
}

/** The result of `rondo new service`, for a new service and for an existing one. */
export interface NewServiceOutcome {
  readonly service: string;
  /** The port that it listens on with the default base port. */
  readonly port: number;
  /** The files that were written, as paths from the repository's root. */
  readonly files: readonly string[];
  /** The methods to implement next, each with the file of its handler. */
  readonly methods: readonly Stub[];
  /** Contracts that are exempt from the style rules from now on. */
  readonly exempt: readonly string[];
}

/** What installing and building change, apart from the folders of a new service. */
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

/** Backs up everything that {@link install} and {@link build} are about to change. */
export function backUpProducts(changes: ChangeSet): void {
  for (const product of PRODUCTS) changes.backUp(product);
}

/** Formats files as `npm run check` requires and sorts their imports. */
export async function format(workspace: Workspace, files: readonly string[]): Promise<void> {
  if (files.length === 0) return;
  const { code, output } = await check(workspace, ['--write', ...files]);
  if (code !== 0) throw new ProgramFailed('the new files could not be formatted', output);
}

/** A text as {@link format} would write the file. */
export function formatted({ root, tool }: Omit<Workspace, 'signal'>, file: string, text: string): string {
  const args = ['check', configOf(tool), '--write', `--stdin-file-path=${file}`];
  const { status, stdout, stderr } = spawnSync(native('biome'), args, { cwd: root, input: text, encoding: 'utf8' });
  if (status !== 0) throw new ProgramFailed(`${file} could not be formatted`, stderr);
  return stdout;
}

/** Whether a file is formatted as {@link format} would format it. */
export async function isFormatted(workspace: Workspace, file: string): Promise<boolean> {
  return (await check(workspace, [file])).code === 0;
}

const check = ({ root, tool, signal }: Workspace, args: readonly string[]): Promise<Ended> =>
  runProgram(native('biome'), ['check', configOf(tool), ...args], { cwd: root, signal });

/** The part of biome's settings that has no rules: for them biome reads the whole project, which takes seconds. */
const configOf = (tool: string) => `--config-path=${path.join(tool, 'lint/format.json')}`;

/** Installs the workspace and updates the lock file to the manifests. */
export const install = (workspace: Workspace): Promise<void> =>
  command(workspace, ['install'], 'the packages could not be installed');

/** Generates the code of the contracts and compiles everything. */
export const build = (workspace: Workspace): Promise<void> => command(workspace, ['build'], 'it does not build');

/** Like {@link build}, but resolves to the output if the build fails. */
export async function tryBuild(workspace: Workspace): Promise<string | undefined> {
  try {
    await build(workspace);
    return undefined;
  } catch (error) {
    if (error instanceof ProgramFailed) return error.output;
    throw error;
  }
}

/**
 * Runs the tests of a service.
 *
 * @throws ProgramFailed with the output if a test fails.
 */
export const testService = (workspace: Workspace, name: string): Promise<void> =>
  command(workspace, ['test', `services/${name}/`], 'its tests fail');

/** The breaking changes of the contracts compared with main, as buf reports them, one a line. */
export async function findBreaks({ root, tool, signal }: Workspace): Promise<readonly string[]> {
  const args = [path.join(tool, PROGRAM), 'breaking'];
  const { output } = await runProgram(process.execPath, args, { cwd: root, signal });
  return output.split('\n').filter((line) => line.startsWith('proto/'));
}

/** The statements that the migrations of a service lack; empty if there are none. */
export async function findMissing({ root, tool, signal }: Workspace, service: string): Promise<string> {
  const { code, output } = await runProgram(process.execPath, [path.join(tool, PROGRAM), 'tables', service], {
    cwd: root,
    signal,
  });
  if (code !== 0) throw new ProgramFailed('the tables could not be compared', output);
  return output;
}

/** What runs a command, in the folder of the package. An upgrade runs that of the new version. */
const PROGRAM = 'dist/main.mjs';

/** Runs a command of `rondo` in a process of its own: it ends with all that it starts. */
export async function command(
  { root, tool, signal }: Workspace,
  args: readonly string[],
  failure: string,
): Promise<void> {
  const { code, output } = await runProgram(process.execPath, [path.join(tool, PROGRAM), ...args], {
    cwd: root,
    signal,
  });
  if (code !== 0) throw new ProgramFailed(failure, output);
}

/** Reports the progress of long work. */
export interface Progress {
  step<T>(name: string, work: () => T | Promise<T>): Promise<T>;
}
