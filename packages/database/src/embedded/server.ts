import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Account } from './binaries.js';
import { type Cluster, SERVER_ENVIRONMENT } from './cluster.js';

const LAST_LINES = 10;

/** What the server is started with. */
interface ServerOptions {
  readonly postgres: string;
  readonly account: Account;
  readonly cluster: Cluster;
  readonly port: number;
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly log: (line: string) => void;
  readonly startTimeoutMs: number;
}

/** A started server. */
export interface RunningServer {
  readonly pid: number;
  /** Resolves when the process has ended, for whatever reason, to the signal or the exit code that it ended with. */
  readonly exited: Promise<string>;
  /** Resolves when it accepts connections, rejects when it ends before. */
  readonly ready: Promise<void>;
}

/** Starts the server in a session of its own: Ctrl-C is the launcher's to handle, and the services go first. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { postgres, account } = options;
  const child = spawn(postgres, serverArguments(options), {
    ...account,
    env: SERVER_ENVIRONMENT,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) {
    const [cause]: unknown[] = await once(child, 'error');
    throw new Error(`${postgres} can't be started`, { cause });
  }
  const exited = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`)),
  );
  const ready = awaitReady(child, options);
  return { pid, exited, ready };
}

/** TCP on loopback only: the path of a Unix socket may not be longer than about 100 bytes, and a project's can be. */
function serverArguments({ cluster, port, settings }: ServerOptions): string[] {
  const all = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', ...settings };
  return ['-D', cluster.data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** The server's messages are English here: `LC_ALL` is `C`. */
function awaitReady(child: ChildProcess, { port, log, startTimeoutMs }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const last: string[] = [];
    const fail = (reason: string): void => {
      const taken = last.some((line) => /could not bind .*: Address already in use/.test(line));
      const inUse = `Port ${port} is in use: stop what listens there, or choose another port.`;
      reject(new Error(taken ? inUse : `PostgreSQL ${reason}: ${last.join('\n')}`));
    };
    const timer = setTimeout(() => fail(`was not ready within ${startTimeoutMs} ms`), startTimeoutMs);
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(timer);
      fail('ended while starting');
    });
    if (child.stderr === null) return;
    createInterface({ input: child.stderr }).on('line', (line) => {
      log(line);
      last.push(line);
      if (last.length > LAST_LINES) last.shift();
      if (!line.includes('database system is ready to accept connections')) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

/**
 * `read` ends when the launcher closes the pipe, which the kernel does for it however it dies. A shell, because it
 * costs nothing and runs on every system that has embedded binaries.
 */
const SCRIPT = `
  while read -r _; do :; done
  kill -INT "$1" 2>/dev/null || exit 0
  tries=0
  while kill -0 "$1" 2>/dev/null; do
    [ "$tries" -ge 100 ] && kill -QUIT "$1"
    [ "$tries" -ge 125 ] && exit 1
    sleep 0.2
    tries=$((tries + 1))
  done
`;

/** A process that outlives this one by as long as it takes to stop the server. */
interface Watchdog {
  /** The server has ended: its id may soon be somebody else's. */
  dismiss(): void;
}

/**
 * PostgreSQL survives the death of the process that started it; this stops it. In a session of its own, so that a
 * Ctrl-C in the terminal doesn't reach it.
 */
export function startWatchdog(serverPid: number): Watchdog {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'rondo-postgres-watchdog', String(serverPid)], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return { dismiss: () => void child.kill('SIGKILL') };
}
