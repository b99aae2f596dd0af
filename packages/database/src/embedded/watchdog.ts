import { spawn } from 'node:child_process';

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
export interface Watchdog {
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
