import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Account } from './binaries.js';
import { type Cluster, SERVER_ENVIRONMENT } from './cluster.js';

const LAST_LINES = 10;

interface ServerOptions {
  readonly postgres: string;
  readonly account: Account;
  readonly cluster: Cluster;
  readonly port: number;
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly log: (line: string) => void;
  readonly startTimeoutMs: number;
}

export interface RunningServer {
  readonly pid: number;
  /** Resolves when the process has ended for any reason, to its signal or exit code. */
  readonly exited: Promise<string>;
  /** Resolves when it accepts connections; rejects if it ends before. */
  readonly ready: Promise<void>;
}

/** Starts the server in its own session, so that Ctrl-C reaches only the launcher, which stops the services first. */
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

/**
 * TCP on loopback only: the path of a Unix socket is limited to about 100 bytes, and a project's path can be longer.
 */
function serverArguments({ cluster, port, settings }: ServerOptions): string[] {
  const all = { listen_addresses: '127.0.0.1', port, unix_socket_directories: '', ...settings };
  return ['-D', cluster.data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** Parses the server's messages, which are in English because `LC_ALL` is `C`. */
function awaitReady(child: ChildProcess, { port, log, startTimeoutMs, settings }: ServerOptions): Promise<void> {
  // A server that recovers also says that it takes reads, and goes on to take writes; a standby stays there.
  const ready = `database system is ready to accept ${'primary_conninfo' in settings ? 'read-only ' : ''}connections`;
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
      if (!line.includes(ready)) return;
      clearTimeout(timer);
      resolve();
    });
  });
}

/**
 * Stops the server when the launcher has died. The kernel then closes the launcher's end of the pipe, and `read` returns. A shell
 * script is cheap and runs on every system with embedded binaries.
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

/** A process that outlives this one by the time it takes to stop the server. */
interface Watchdog {
  /** Ends the watchdog after the server has ended, because another process may soon have its id. */
  dismiss(): void;
}

/**
 * PostgreSQL survives the death of its launcher; the watchdog then stops it. It has its own session, so that a Ctrl-C
 * in the terminal doesn't reach it.
 */
export function startWatchdog(serverPid: number): Watchdog {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'rondo-postgres-watchdog', String(serverPid)], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  return { dismiss: () => void child.kill('SIGKILL') };
}
