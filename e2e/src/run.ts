import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A program that ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. */
export interface Running {
  readonly process: ChildProcess;
  /** What it has printed so far. */
  readonly output: () => Omit<Ended, 'code'>;
  readonly ended: Promise<Ended>;
}

/** Where a program runs. */
export interface Place {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether its standard input is a pipe of the caller's; there is none by default. */
  readonly input?: boolean;
}

/** Starts a program in the repository's folder. */
export function start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  return startIn({ cwd: root, env }, command, args);
}

/** Starts a program in a folder of the caller's. */
export function startIn({ cwd, env, input = false }: Place, command: string, args: readonly string[]): Running {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { process: child, output: () => ({ stdout, stderr }), ended };
}

/** Runs a program of Node's to its end. */
export function node(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return start(process.execPath, args, env).ended;
}
