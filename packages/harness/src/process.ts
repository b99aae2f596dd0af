import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { endWithThisProcess, killTrees } from './kill.js';
import { until, type WaitOptions } from './wait.js';

/** The repository's folder, with a slash at the end. */
export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What a process has printed. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that has ended. */
export interface Ended extends Output {
  /** The exit code; null if a signal ended the process. */
  readonly code: number | null;
}

/** A process that was started here. */
export interface RunningProcess {
  readonly process: ChildProcess;
  /** NaN if the program couldn't be started. */
  readonly pid: number;
  /** What the process has printed so far: the last 16 MiB of each stream. */
  output(): Output;
  /** Hands each line of standard output to `listener` instead of keeping it for `output`. */
  onLine(listener: (line: string) => void): void;
  /**
   * Waits until the output holds a match.
   *
   * @throws Error with the output if the process ends first, or after `timeoutMs`, five minutes by default.
   */
  printed(pattern: RegExp, options?: WaitOptions): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
  /**
   * Sends a signal, `SIGTERM` by default, and waits for the end. A process that doesn't end within 20 s is killed,
   * with all of its child processes.
   */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
  readonly hasEnded: boolean;
  /** Resolves when the process has ended and its output is closed. Rejects if the program couldn't be started. */
  readonly ended: Promise<Ended>;
}

/** How a program is started. */
export interface StartOptions {
  /** The working directory; by default the repository's folder. */
  readonly cwd?: string;
  /** Variables over those of this process. `NODE_OPTIONS` is not inherited; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether the caller writes to standard input; by default there is none. */
  readonly input?: boolean;
  /** Whether the process gets an IPC channel. A Rondo service drains when the channel closes, as it does when this process ends. */
  readonly ipc?: boolean;
  /** Takes both streams instead of this process, which then spends no time on them. `output` reads it as `stdout`. */
  readonly logFile?: string | undefined;
}

const STOP_TIMEOUT_MS = 20_000;
/** How much of an output is kept at least. At most it is twice as much. */
const KEPT_CHARS = 16 * 1024 * 1024;

/**
 * Starts a program. When this process exits, the program is killed with all that it has started, even if it is frozen by
 * `SIGSTOP`.
 */
export function start(command: string, args: readonly string[], options: StartOptions = {}): RunningProcess {
  const { logFile } = options;
  // An earlier process may have logged there.
  const logged = logFile === undefined ? 0 : readLog(logFile).length;
  const child = spawnProgram(command, args, options);
  const stdout = readStream(child.stdout);
  const stderr = readStream(child.stderr);
  const output = () => ({
    stdout: logFile === undefined ? stdout.text() : readLog(logFile, logged),
    stderr: stderr.text(),
  });
  let failure: Error | undefined;
  let isClosed = false;
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', (error) => {
      failure ??= error;
      if (child.pid === undefined) reject(error);
    });
    child.once('close', (code) => {
      isClosed = true;
      resolve({ code, ...output() });
    });
  });
  // A caller that doesn't wait for the end hears of a program that can't be started by `printed`.
  ended.catch(() => undefined);
  const hasEnded = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  return {
    process: child,
    pid: child.pid ?? Number.NaN,
    output,
    onLine: stdout.onLine,
    async printed(pattern, { timeoutMs } = {}) {
      const look = () => {
        // Before the output is read: it is complete if the process has closed it.
        const isOver = isClosed || child.pid === undefined;
        const printed = output();
        return pattern.exec(printed.stdout) ?? pattern.exec(printed.stderr) ?? (isOver ? 'ended' : undefined);
      };
      const shown = [command, ...args].join(' ');
      const what = `${shown} prints ${pattern}`;
      const found = await until(look, { what, ...(timeoutMs && { timeoutMs }) }).catch((cause) => {
        throw new Error(`${shown} hasn't printed ${pattern} yet: ${format(output())}`, { cause });
      });
      if (found !== 'ended') return found;
      throw new Error(`${shown} has ended: ${format(output())}`, { cause: failure });
    },
    signal: (signal) => void child.kill(signal),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const timer = setTimeout(() => killTrees([child]), STOP_TIMEOUT_MS);
      return await ended.finally(() => clearTimeout(timer));
    },
    get hasEnded() {
      return hasEnded();
    },
    ended,
  };
}

/** Runs a program of Node's to its end: `runNode(['scripts/rondo.mjs', 'check'])`. */
export function runNode(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return start(process.execPath, args, options).ended;
}

function spawnProgram(
  command: string,
  args: readonly string[],
  { cwd = root, env, input = false, ipc = false, logFile }: StartOptions,
): ChildProcess {
  const log = logFile === undefined ? 'pipe' : openSync(logFile, 'a');
  try {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: [input ? 'pipe' : 'ignore', log, log, ...(ipc ? (['ipc'] as const) : [])],
    });
    endWithThisProcess(child);
    return child;
  } finally {
    if (typeof log === 'number') closeSync(log);
  }
}

function readStream(stream: NodeJS.ReadableStream | null) {
  let text = '';
  const keep = (more: string) => {
    text += more;
    if (text.length > 2 * KEPT_CHARS) text = text.slice(-KEPT_CHARS); // seldom, as a cut copies what is kept
  };
  stream?.setEncoding('utf8').on('data', keep);
  return {
    text: () => text,
    onLine: (listener: (line: string) => void) => void stream?.off('data', keep).on('data', splitLines(listener)),
  };
}

function splitLines(listener: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) listener(line);
  };
}

const readLog = (file: string, from = 0) => (existsSync(file) ? readFileSync(file, 'utf8').slice(from) : '');

const format = ({ stdout, stderr }: Output) => `${stdout}${stderr}`.slice(-2_000);
