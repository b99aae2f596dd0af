import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts the time of processes that have ended, and of the whole machine, in hundredths of a second. */
const TICK_MS = 10;

/**
 * Processor time of a process in milliseconds, all threads and all processors together; 0 once the process has ended.
 * Linux only: it reads /proc.
 *
 * @param options `children` adds the time of its child processes, ended ones included.
 */
export function cpuMs(pid: number, { children = false }: { readonly children?: boolean } = {}): number {
  if (!children) return usedBy(pid);
  const ended = statOf(pid)?.slice(13, 15) ?? [];
  const living = [pid, ...childrenOf(pid)].reduce((sum, one) => sum + usedBy(one), 0);
  return ended.reduce((sum, ticks) => sum + Number(ticks) * TICK_MS, living);
}

/** How long the main thread of a process was ready to run and waited for a processor, in milliseconds. Linux only. */
export function waitedMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}

/** Processor time that the whole machine has used, in milliseconds. Linux only. */
export function machineCpuMs(): number {
  const [, user, nice, system, , , irq, softirq] = firstLine('/proc/stat').split(/\s+/);
  return [user, nice, system, irq, softirq].reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS;
}

/** Memory of a process in MiB: resident now, and at its peak. Linux only. */
export function memoryMiB(pid: number): { readonly resident: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { resident: field('VmRSS'), peak: field('VmHWM') };
}

/** The time of each thread, which the kernel counts in nanoseconds. */
function usedBy(pid: number): number {
  const folder = `/proc/${pid}/task`;
  const used = (thread: string) => Number(firstLine(`${folder}/${thread}/schedstat`).split(' ')[0]);
  return orIfGone(() => readdirSync(folder).reduce((sum, thread) => sum + used(thread), 0) / 1e6) ?? 0;
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(statOf(Number(name))?.[1]) === pid)
    .map(Number);
}

/** The fields after the name, which may have parentheses: state, parent and so on; 13 and 14 are the times of ended children. */
function statOf(pid: number): readonly string[] | undefined {
  return orIfGone(() => firstLine(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' '));
}

/** Undefined if a process or thread has ended meanwhile. */
function orIfGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

const firstLine = (file: string) => readFileSync(file, 'utf8').split('\n')[0] ?? '';
