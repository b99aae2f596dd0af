import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts the time of what has ended in hundredths of a second. */
const TICK_MS = 10;

/**
 * What a process and, where asked for, its children have used of all processors, those that have ended included.
 * Milliseconds; Linux alone.
 */
export function cpuMs(pid, { children = false } = {}) {
  if (!children) return usedBy(pid);
  const ended = statOf(pid)?.slice(13, 15) ?? [];
  const living = [pid, ...childrenOf(pid)].reduce((sum, one) => sum + usedBy(one), 0);
  return ended.reduce((sum, ticks) => sum + Number(ticks) * TICK_MS, living);
}

/** How long the main thread of a process would have run, but others had the processors. Milliseconds; Linux alone. */
export function waitedMs(pid) {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}

/** The time of each thread: the kernel has it in nanoseconds there. */
function usedBy(pid) {
  const folder = `/proc/${pid}/task`;
  try {
    const used = (thread) => Number(readFileSync(`${folder}/${thread}/schedstat`, 'utf8').split(' ')[0]);
    return readdirSync(folder).reduce((sum, thread) => sum + used(thread), 0) / 1e6;
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return 0; // it has ended meanwhile
    throw error;
  }
}

function childrenOf(pid) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(statOf(name)?.[1]) === pid)
    .map(Number);
}

/** After the name, which may have parentheses: state, parent and so on; times of children that ended stand 13th and 14th. */
function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  }
}
