/** Programs with their children, which a signal or a deadline ends. */
import { spawn, spawnSync } from 'node:child_process';
import { codeOf } from './errors.js';
import { type Ended, endOf, startable } from './process.js';

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
  { timeoutMs, signal, cwd, maxOutputCharacters = 1_000_000 }: ProgramOptions,
): Promise<Ended> {
  signal.throwIfAborted();
  const child = spawn(...startable(command, args), { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => endGroup(child.pid);
  let late = false;
  const expire = () => {
    late = true;
    end();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
  signal.addEventListener('abort', end);
  try {
    const ended = await endOf(child, command, maxOutputCharacters);
    signal.throwIfAborted();
    if (late) throw new Error(`${command} ${args.join(' ')} took longer than ${timeoutMs} ms`);
    return ended;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

/** Kills a process group. A group that has already ended is no error. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/t', '/f', '/pid', String(pid)]);
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

/** A program that failed although all checks of the user's input had passed. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';
  readonly output: string;

  constructor(what: string, output: string) {
    super(what);
    this.output = output;
  }
}
