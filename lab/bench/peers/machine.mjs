// The machine: its cores, and what other processes do on it meanwhile. Linux only.
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { cpuMs, machineCpuMs } from '@rondo/harness';
import { show } from '../report/figures.mjs';

/** Linux counts the machine's time in hundredths of a second, for each core. */
const COUNTED_AT_MS = 10;
/** The share of a core that other processes may use during a turn. */
const FOREIGN_SHARE = 0.05;

/** What the report says of the machine. */
export function describeMachine() {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
}

/** A core for servers and one for clients; undefined if `taskset` is missing or there is one core alone. */
export function chooseCores() {
  try {
    const affinity = execFileSync('taskset', ['-c', '-p', String(process.pid)], { encoding: 'utf8' });
    const [server, client] = parseCores(affinity.split(':').at(-1));
    return client === undefined ? undefined : { server, client };
  } catch (error) {
    show(`processes aren't pinned to cores: ${error.message.split('\n')[0]}`);
    return undefined;
  }
}

/** The cores of a list as `0,2-4`. */
function parseCores(list) {
  return list.split(',').flatMap((part) => {
    const [from, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

/** Keeps all threads of a process, and those that it will have, on one core. */
export function pin(pid, core) {
  execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' });
}

/**
 * Begins to watch what other processes than `pids` and this one do.
 *
 * @returns a function that gives the share of a core that they have used since, and whether that disturbs.
 */
export function watchForeign(pids) {
  const foreignMs = () => machineCpuMs() - [process.pid, ...pids].reduce((sum, pid) => sum + cpuMs(pid), 0);
  const startedAt = performance.now();
  const before = foreignMs();
  return () => {
    const usedMs = Math.max(0, foreignMs() - before);
    const tookMs = performance.now() - startedAt;
    // Less than the kernel's counters can tell never counts.
    const disturbedMs = Math.max(FOREIGN_SHARE * tookMs, 2 * COUNTED_AT_MS * availableParallelism());
    return { foreignShare: usedMs / tookMs, disturbed: usedMs > disturbedMs };
  };
}
