/** Running other programs. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { console } from '../terminal/console.js';
import { codeOf } from './errors.js';
import { root } from './paths.js';

export interface RunOptions {
  /** The workspace's folder by default. */
  readonly cwd?: string;
  /** Variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** `true` lets the program use the terminal; 'stderr' sends all its output to standard error. */
  readonly show?: boolean | 'stderr';
  /** Ends the program, with all that it has started: it gets a process group of its own. */
  readonly signal?: AbortSignal;
  /** Ends it so, too. No limit by default. */
  readonly timeoutMs?: number;
}

export interface Ended {
  /** 127 if it couldn't be started. */
  readonly code: number;
  /** Standard output and standard error in order, and the signal that ended the program; with `show` only the signal. */
  readonly output: string;
}

/**
 * Runs a program to its end. If it can't be started, `output` has the reason.
 *
 * @throws the signal's reason, or Error at the timeout; in both cases only after all processes have ended.
 */
export async function run(
  command: string,
  args: readonly string[],
  { cwd = root, env = {}, show = false, signal, timeoutMs }: RunOptions = {},
): Promise<Ended> {
  signal?.throwIfAborted();
  const late = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
  const ends = [signal, late].filter((one) => one !== undefined);
  const detached = ends.length > 0;
  const child = spawn(...startable(command, args), {
    cwd,
    env: { ...process.env, ...env },
    detached,
    stdio: show === 'stderr' ? ['ignore', 2, 2] : show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  const release = detached ? endWith(child, AbortSignal.any(ends)) : forwardSignals(child);
  const ended = await endOf(child, command);
  release();
  signal?.throwIfAborted();
  if (late?.aborted) throw new Error(`${command} ${args.join(' ')} took longer than ${timeoutMs} ms`);
  return ended;
}

/** Waits until a program and all that holds its output have ended. */
function endOf(child: ChildProcess, command: string): Promise<Ended> {
  const pieces: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => pieces.push(text));
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ code: 127, output: `${command}: ${message}\n` }));
    child.once('close', (code, signal) => {
      if (signal !== null) pieces.push(`${path.basename(command)} was ended by ${signal}\n`);
      resolve({ code: code ?? 1, output: pieces.join('') });
    });
  });
}

/** Kills the process group of a program when the signal aborts. A group that has already ended is no error. */
function endWith({ pid = 0 }: ChildProcess, signal: AbortSignal): () => void {
  const end = () => {
    if (pid === 0) return; // it couldn't be started
    if (isWindows) return void spawnSync('taskkill', ['/t', '/f', '/pid', String(pid)]);
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if (codeOf(error) !== 'ESRCH') throw error;
    }
  };
  signal.addEventListener('abort', end);
  return () => signal.removeEventListener('abort', end);
}

/**
 * Whether git knows a commit of this folder. If not, it says what is needed: an archive of the repository has no `.git`.
 *
 * @param command What the user typed.
 */
export async function hasCommit(command: string): Promise<boolean> {
  const { code, output } = await run('git', ['rev-parse', '--verify', 'HEAD']);
  if (code !== 0) console.error(`${command}: ${gitFault(output)}`);
  return code === 0;
}

/** The branch that holds the published contracts: as origin has it, or else as it is here. */
export const MAIN_REFS = ['origin/main', 'main', 'origin/master', 'master'] as const;

/** Why git does nothing here, by what it has said, and the remedy. Its text may be in another language, and its remedy isn't. */
export function gitFault(said: string): string {
  const trust = /git config --global --add safe\.directory .*/.exec(said)?.[0];
  if (trust === undefined) return 'git knows no files here: git init && git add . && git commit -m Start';
  return `git refuses a repository of another account: ${trust}`;
}

/** Forwards signals to the program: npm signals only this process. */
function forwardSignals(child: ChildProcess): () => void {
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  return () => process.off('SIGINT', forward).off('SIGTERM', forward);
}

const isWindows = process.platform === 'win32';

/** How a program is started: npm's are scripts, which Windows doesn't start. Node, next to which they are installed there, runs them. */
export function startable(command: string, args: readonly string[]): [command: string, args: readonly string[]] {
  if (!isWindows || !['npm', 'npx'].includes(command)) return [command, args];
  const script = `node_modules/npm/bin/${command}-cli.js`;
  return [process.execPath, [path.join(path.dirname(process.execPath), script), ...args]];
}

export const executable = (name: string): string => (isWindows ? `${name}.exe` : name);

const PLATFORM = `${process.platform}-${process.arch}`;
/** By program: its package, and the path of the native program that the package picks for this platform. */
const PACKAGES = {
  biome: ['@biomejs/biome', `@biomejs/cli-${PLATFORM}/biome`],
  buf: ['@bufbuild/buf', `@bufbuild/buf-${PLATFORM.replace('linux-arm64', 'linux-aarch64')}/bin/buf`],
  tsc: ['typescript', `@typescript/typescript-${PLATFORM}/lib/tsc`],
} as const;

/** The path of the native program, without the Node process of its launcher; the launcher's path if there is none for this platform. */
export function native(name: keyof typeof PACKAGES): string {
  const [asked, picked] = PACKAGES[name];
  const launcher = path.join(root, 'node_modules', asked);
  const bin = path.join(root, 'node_modules/.bin', name);
  if (!existsSync(launcher)) return bin;
  // pnpm's store has a package's dependencies next to it.
  const program = path.join(realpathSync(launcher).slice(0, -asked.length), executable(picked));
  return existsSync(program) ? program : bin;
}
