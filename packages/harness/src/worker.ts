import { fork } from 'node:child_process';
import { once } from 'node:events';
import { endWithThisProcess } from './kill.js';
import { serviceEnvironment } from './service.js';

/** A process that carries out commands of this one: its file calls {@link answerParent}. */
export interface Worker {
  readonly pid: number;
  /**
   * Sends a command.
   *
   * @returns the command's result.
   * @throws Error with the stack of what the command threw, or if the worker has ended.
   */
  ask(command: string, argument?: unknown): Promise<unknown>;
  signal(signal: NodeJS.Signals): void;
  /** Kills the worker, and resolves when it has ended. */
  close(): Promise<void>;
}

/** How a worker is started. */
export interface WorkerOptions {
  /** Variables over those of this process, of which `RONDO_*`, `OTEL_*` and `DATABASE_URL` are left out. */
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

interface Request {
  readonly id: number;
  readonly command: string;
  readonly argument: unknown;
}

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Starts a worker, which ends with this process. `main` is the URL of its file. */
export function startWorker(main: URL, { env = {}, args = [] }: WorkerOptions = {}): Worker {
  const child = fork(main, args, { serialization: 'advanced', env: { ...serviceEnvironment(), ...env } });
  endWithThisProcess(child);
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  child.on('message', ({ id, result, error }: Reply) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(new Error(error));
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`the worker has ended: ${signal ?? `code ${code}`}`));
    waiting.clear();
  });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid: child.pid ?? Number.NaN,
    ask: (command, argument) =>
      new Promise((resolve, reject) => {
        if (hasEnded()) {
          reject(new Error(`the worker has ended before "${command}"`));
          return;
        }
        lastId += 1;
        waiting.set(lastId, { resolve, reject });
        // The channel may be closed before the exit is known.
        child.send({ id: lastId, command, argument } satisfies Request, (error) => error && reject(error));
      }),
    signal: (signal) => void child.kill(signal),
    async close() {
      if (hasEnded()) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/**
 * Carries out the commands of the parent process, and exits when the parent has ended.
 *
 * @param commands by name. Each takes one argument, and returns its result or a promise of it.
 */
export function answerParent(commands: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', async ({ id, command, argument }: Request) => {
    const reply = await carryOut(commands[command], argument).then(
      (result): Reply => ({ id, result }),
      (error: unknown): Reply => ({ id, error: error instanceof Error ? String(error.stack) : String(error) }),
    );
    if (process.connected) process.send?.(reply);
  });
  process.on('disconnect', () => process.exit(0));
}

async function carryOut(command: ((argument: never) => unknown) | undefined, argument: unknown): Promise<unknown> {
  if (command === undefined) throw new Error('the worker has no such command');
  // The parent and its worker are parts of one program: they agree on the argument.
  return await command(argument as never);
}
