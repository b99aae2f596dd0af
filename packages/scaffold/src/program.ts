import { spawn } from 'node:child_process';
import { isErrorOf } from './thrown.js';

/** How a program ended, and what it said. */
export interface Outcome {
  /** 127 where it couldn't be started, with the reason in `output`. */
  readonly code: number;
  /** Standard output and error as they came. */
  readonly output: string;
}

/** Where a program runs, and what ends it early. */
export interface ProgramOptions {
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** As long as it takes by default. */
  readonly timeoutMs?: number;
}

/** More than anybody reads. */
const MAX_OUTPUT_CHARACTERS = 1_000_000;

/**
 * Runs a program to its end. It has a process group of its own, as many a launcher is one process and what it launches
 * another: all of them end with the deadline, and with `signal`.
 *
 * @throws the signal's reason, or Error where its time is up; either once all of it has ended.
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  { cwd, signal, timeoutMs }: ProgramOptions,
): Promise<Outcome> {
  signal.throwIfAborted();
  const deadline = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => deadline.abort(), timeoutMs);
  try {
    const outcome = await spawnGroup(command, args, { cwd, signal: AbortSignal.any([signal, deadline.signal]) });
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
  { cwd, signal }: Omit<ProgramOptions, 'timeoutMs'>,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = () => endGroup(child.pid);
    const done = (outcome: Outcome) => {
      signal.removeEventListener('abort', end);
      resolve(outcome);
    };
    signal.addEventListener('abort', end);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(0, MAX_OUTPUT_CHARACTERS);
      });
    }
    child.once('error', ({ message }) => done({ code: 127, output: `${command}: ${message}\n` }));
    child.once('close', (code, by) => {
      done({ code: code ?? 1, output: by === null ? output : `${output}${command} was ended by ${by}\n` });
    });
  });
}

/** Nobody is left to end where the group ended by itself. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!isErrorOf(error, 'ESRCH')) throw error;
  }
}

/** A program that failed where nothing of the user's was to blame beforehand. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';
  /** What it said. */
  readonly output: string;

  constructor(what: string, output: string) {
    super(what);
    this.output = output;
  }
}
