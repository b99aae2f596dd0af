import { type ChildProcess, spawnSync } from 'node:child_process';

/** Has signals end this process by way of `exit`, which kills what it has started. */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}

/** Whether a process is alive, a zombie included. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process is alive, too.
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPERM';
  }
}

const running = new Set<ChildProcess>();

/** Kills `child` when this process exits, unless it has ended before. */
export function endWithThisProcess(child: ChildProcess): void {
  if (child.pid === undefined) return; // it couldn't be started
  if (running.size === 0) process.once('exit', killAll);
  running.add(child);
  child.once('close', () => {
    running.delete(child);
    if (running.size === 0) process.off('exit', killAll);
  });
}

function killAll(): void {
  killTrees([...running]);
}

/** Kills processes and everything below them. Each parent is killed before its children, so that it starts no others. */
export function killTrees(children: readonly ChildProcess[]): void {
  const { stdout } = spawnSync('ps', ['-e', '-o', 'pid=', '-o', 'ppid='], { encoding: 'utf8' });
  const table = (stdout ?? '').split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    table.flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid, ...below(pid)] : []));
  for (const child of children) {
    const descendants = child.pid === undefined ? [] : below(child.pid);
    child.kill('SIGKILL');
    for (const pid of descendants) kill(pid);
  }
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false; // it has ended meanwhile
  }
}
