import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { compileReadably } from '../build/build.js';
import { install as installPackages } from '../build/install.js';
import { generate } from '../generate/generate.js';
import { type Ended, native, run } from '../workspace/process.js';

/** A program that failed although all checks of the user's input had passed. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';

  constructor(
    what: string,
    readonly output: string,
  ) {
    super(what);
  }
}

export interface Workspace {
  readonly root: string;
  /** The folder of the package @rondo/tool. */
  readonly tool: string;
  readonly signal: AbortSignal;
}

/** Reports the progress of long work. */
export interface Progress {
  step<T>(name: string, work: () => T | Promise<T>): Promise<T>;
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

/** Whether files are as {@link format} would write them. */
export const isFormatted = async (workspace: Workspace, files: readonly string[]): Promise<boolean> =>
  files.length === 0 || (await check(workspace, files)).code === 0;

const check = ({ root, tool, signal }: Workspace, args: readonly string[]): Promise<Ended> =>
  run(native('biome'), ['check', configOf(tool), ...args], { cwd: root, signal });

/** The part of biome's settings that has no rules: for them biome reads the whole project, which takes seconds. */
const configOf = (tool: string) => `--config-path=${path.join(tool, 'lint/format.json')}`;

/** Installs the workspace and updates the lock file to the manifests. */
export async function install({ signal }: Workspace): Promise<void> {
  const isInstalled = await installPackages({ relock: true, quiet: true, signal });
  signal.throwIfAborted();
  if (!isInstalled) throw new Error('the packages could not be installed, see above');
}

/**
 * Generates the code of the contracts, and compiles some services, or everything.
 *
 * @throws ProgramFailed with the faults.
 */
export async function build({ signal }: Workspace, services: readonly string[] = []): Promise<void> {
  const generated = await generate(signal);
  const projects = services.map((service) => `services/${service}`);
  const { code, output = '' } = generated.code === 0 ? await compileReadably(projects, signal) : generated;
  signal.throwIfAborted();
  if (code !== 0) throw new ProgramFailed('it does not build', output);
}

/** Like {@link build}, but resolves to the faults. */
export const tryBuild = (workspace: Workspace, services?: readonly string[]): Promise<string | undefined> =>
  outputIfFailed(build(workspace, services));

/** What the program has said that fails in some work; undefined if none does. */
export const outputIfFailed = (work: Promise<void>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error) => {
      if (error instanceof ProgramFailed) return error.output;
      throw error;
    },
  );

/**
 * Runs the tests of a service.
 *
 * @throws ProgramFailed with the output if a test fails.
 */
export async function testService({ root, signal }: Workspace, name: string): Promise<void> {
  const jest = path.join(root, 'node_modules/jest/bin/jest.js');
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const args = [...node, jest, `services/${name}/`, '--testPathIgnorePatterns', '/node_modules/'];
  const { code, output } = await run(process.execPath, args, { cwd: root, signal });
  if (code !== 0) throw new ProgramFailed('its tests fail', output);
}

/** Runs a command of `rondo` in a process of its own: it ends with all that it starts. */
export async function command(
  { root, tool, signal }: Workspace,
  args: readonly string[],
  failure: string,
): Promise<void> {
  const program = path.join(tool, 'dist/main.mjs');
  const { code, output } = await run(process.execPath, [program, ...args], { cwd: root, signal });
  if (code !== 0) throw new ProgramFailed(failure, output);
}
