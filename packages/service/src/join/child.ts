import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { sleep, systemClock } from '@rondo/rpc/clock';

/** The exit code of a program that can't be started, as shells have it. */
const EXIT_NOT_FOUND = 127;

/** A server that was started. */
export interface Child {
  /** Resolves to its exit code, also if it couldn't be started. */
  readonly ended: Promise<number>;
  /** With SIGKILL also what it has started itself. */
  kill(signal: NodeJS.Signals): void;
  /** Once it has ended: ends what it has started itself, such as the server of a shell or of `go run`, which gets no signal through them. */
  endRest(): Promise<void>;
}

/** How often it is looked whether a process has ended. */
const LOOK_MS = 20;

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
  const toGroup = (signal: NodeJS.Signals | 0): boolean => {
    try {
      return child.pid !== undefined && process.kill(-child.pid, signal);
    } catch {
      return false; // it is empty, or this is Windows, which has none
    }
  };
  let isKilled = false;
  return {
    ended: endOf(child, program),
    kill(signal) {
      isKilled ||= signal === 'SIGKILL';
      child.kill(signal);
      if (isKilled) toGroup(signal);
    },
    async endRest() {
      for (let isLeft = toGroup('SIGTERM'); isLeft && !isKilled; isLeft = toGroup(0)) await sleep(systemClock, LOOK_MS);
    },
  };
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
