import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

/** The exit code of a program that can't be started, as shells have it. */
const EXIT_NOT_FOUND = 127;

/** A server that was started. */
export interface Child {
  /** Resolves to its exit code, also if it couldn't be started. */
  readonly ended: Promise<number>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a server. It has this process's output, and a process group of its own: Ctrl-C in a terminal doesn't end it before the registry
 * knows.
 *
 * @param port The port that it shall listen on, which it finds in `PORT`.
 */
export function startChild([program = '', ...args]: readonly string[], port: number): Child {
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
    env: { ...process.env, PORT: String(port) },
  });
  return { ended: endOf(child, program), kill: (signal) => void child.kill(signal) };
}

function endOf(child: ChildProcess, program: string): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => {
      process.stderr.write(`${program} can't be started: ${message}\n`);
      resolve(EXIT_NOT_FOUND);
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
