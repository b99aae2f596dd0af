import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { startable } from '../workspace/process.js';
import { isErrorOf } from './errors.js';

const isWindows = process.platform === 'win32';

/** The exit code of a program, and its output. */
export interface Outcome {
  /** 127 if it couldn't be started, with the reason in `output`. */
  readonly code: number;
  /** Standard output and standard error, in the order of arrival. */
  readonly output: string;
}

/** Where a program runs, and what ends it early. */
export interface ProgramOptions {
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** No limit by default. */
  readonly timeoutMs?: number;
  /** The rest of the output is dropped. 1,000,000 by default, more than a person reads. */
  readonly maxOutputCharacters?: number;
}

/**
 * Runs a program to its end. It gets a process group of its own, because many launchers start further processes: the
 * deadline and `signal` end all of them.
 *
 * @throws the signal's reason, or Error at the deadline; in both cases only after all processes have ended.
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  { timeoutMs, signal, ...options }: ProgramOptions,
): Promise<Outcome> {
  signal.throwIfAborted();
  const deadline = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => deadline.abort(), timeoutMs);
  try {
    const outcome = await spawnGroup(command, args, { ...options, signal: AbortSignal.any([signal, deadline.signal]) });
    signal.throwIfAborted();
    if (!deadline.signal.aborted) return outcome;
    throw new Error(`${command} ${args.join(' ')} took longer than ${timeoutMs} ms`);
  } finally {
    clearTimeout(timer);
  }
}

function spawnGroup(
  command: string,
  args: readonly string[],
  { cwd, signal, maxOutputCharacters = 1_000_000 }: Omit<ProgramOptions, 'timeoutMs'>,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(...startable(command, args), { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => endGroup(child.pid);
    const done = (outcome: Outcome) => {
      signal.removeEventListener('abort', end);
      resolve(outcome);
    };
    signal.addEventListener('abort', end);
    const output: string[] = [];
    let room = maxOutputCharacters;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        if (room > 0) output.push(text.slice(0, room));
        room -= text.length;
      });
    }
    child.once('error', ({ message }) => done({ code: 127, output: `${command}: ${message}\n` }));
    child.once('close', (code, by) => {
      if (by !== null) output.push(`${command} was ended by ${by}\n`);
      done({ code: code ?? 1, output: output.join('') });
    });
  });
}

/** The programs of a workspace, by their launchers in node_modules. Node runs them: Windows doesn't start the links in `.bin`. */
export const LAUNCHERS = { biome: '@biomejs/biome/bin/biome', buf: '@bufbuild/buf/bin/buf', tsc: 'typescript/bin/tsc' };

/** The path of a launcher, for {@link runProgram} with `process.execPath`. */
export const launcher = (root: string, name: keyof typeof LAUNCHERS): string =>
  path.join(root, 'node_modules', LAUNCHERS[name]);

/** Kills a process group. A group that has already ended is no error. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  if (isWindows) {
    spawnSync('taskkill', ['/t', '/f', '/pid', String(pid)]);
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!isErrorOf(error, 'ESRCH')) throw error;
  }
}

/** A program that failed although all checks of the user's input had passed. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';
  /** Its output. */
  readonly output: string;

  constructor(what: string, output: string) {
    super(what);
    this.output = output;
  }
}
