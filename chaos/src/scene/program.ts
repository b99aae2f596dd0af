import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from '../time.js';

/** The repository's folder. */
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A process of a scene. */
export interface Program {
  readonly name: string;
  /** What it printed so far, on both streams; the last mebibytes of it. */
  output(): string;
  /** Hands each line of its standard output to `listener` instead of keeping it. */
  onLine(listener: (line: string) => void): void;
  /** Waits until its output holds a match, and returns that. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
  /** Sends a signal and waits for the end; one that doesn't end within 20 s is killed. */
  end(signal?: NodeJS.Signals): Promise<void>;
  readonly ended: boolean;
  /** Resolves when it has ended. */
  readonly exited: Promise<void>;
}

/** What is run. */
export interface ProgramOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What is run of the repository's own. */
export interface NodeOptions {
  /** Its built file, from the repository's folder. */
  readonly main: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const START_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 20_000;
const MAX_OUTPUT_CHARS = 4 * 1024 * 1024;

const running = new Set<ChildProcess>();
// Whatever ends this process, nothing that it started outlives it, not even what it has frozen.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs one of the repository's own built programs. */
export function startNode(name: string, { main, args = [], env }: NodeOptions): Program {
  return startProgram({ name, command: process.execPath, args: [`${root}${main}`, ...args], env });
}

/** Starts a program. Rondo's own end by themselves when this process is gone. */
export function startProgram({ name, command, args, env = {} }: ProgramOptions): Program {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  running.add(child);
  let output = '';
  let failure: Error | undefined;
  const keep = (text: string) => {
    output = (output + text).slice(-MAX_OUTPUT_CHARS);
  };
  child.stdout?.setEncoding('utf8').on('data', keep);
  child.stderr?.setEncoding('utf8').on('data', keep);
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => {
      running.delete(child);
      resolve();
    });
    child.once('error', (error) => {
      failure = error;
      running.delete(child);
      resolve();
    });
  });
  const hasEnded = () => failure !== undefined || child.exitCode !== null || child.signalCode !== null;

  return {
    name,
    output: () => output,
    onLine(listener) {
      child.stdout?.off('data', keep).on('data', lineSplitter(listener));
    },
    async printed(pattern) {
      return until(
        () => {
          const match = pattern.exec(output);
          if (match === null && hasEnded())
            throw new Error(`${name} has ended: ${output.slice(-2_000)}`, { cause: failure });
          return match ?? undefined;
        },
        { what: `${name} prints ${pattern}`, timeoutMs: START_TIMEOUT_MS },
      );
    },
    signal: (signal) => void child.kill(signal),
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS);
      await closed;
      clearTimeout(timer);
    },
    exited: closed,
    get ended() {
      return hasEnded();
    },
  };
}

function lineSplitter(listener: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) listener(line);
  };
}
