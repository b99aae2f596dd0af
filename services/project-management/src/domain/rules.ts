import { isId, rangeFault } from '@rondo/resources/domain';

/**
 * Rules for values. Each function returns what is wrong and how to correct it, or undefined if the value is valid. The
 * CHECK constraints in the migrations have the same bounds.
 */

const MAX_FIRST_TASKS = 100;
const MAX_BATCH = 1_000;
const MAX_DEPENDENCIES = 100;
const MAX_EFFORT_MINUTES = 10_000_000n;
const MINUTES_A_WEEK = 10_080n;
const MAX_WEEKS = 104;
/** The number of weeks that are listed if a request doesn't say how many. */
export const DEFAULT_WEEKS = 8;

/** Checks the number of tasks of a new project. */
export function firstTasksFault(count: number): string | undefined {
  if (count <= MAX_FIRST_TASKS) return undefined;
  return `must be at most ${MAX_FIRST_TASKS}, and are ${count}; add the others with BatchCreateTasks`;
}

/** Checks the number of tasks of a batch. */
export function batchFault(count: number): string | undefined {
  if (count >= 1 && count <= MAX_BATCH) return undefined;
  return `must be 1 to ${MAX_BATCH}, and are ${count}${count === 0 ? '' : '; send the others in further calls'}`;
}

/** Checks the names of a task's dependencies. */
export function dependenciesFault(names: readonly string[]): string | undefined {
  if (names.length > MAX_DEPENDENCIES) return `must be at most ${MAX_DEPENDENCIES}, and are ${names.length}`;
  const twice = names.find((name, index) => names.indexOf(name) < index);
  return twice === undefined ? undefined : `must name each task once; it has "${twice}" twice`;
}

/** Checks the id that a caller chose for a task. It may be empty, so that the service makes one. */
export function taskIdFault(id: string): string | undefined {
  if (id === '' || isId(id)) return undefined;
  return `must be 1 to 63 of a-z 0-9 -, not beginning with -, or empty to get one; it is "${id}"`;
}

/** Checks the effort of a task. */
export function effortFault(effortMinutes: bigint): string | undefined {
  return minutesFault(effortMinutes, MAX_EFFORT_MINUTES);
}

/** Checks the weekly capacity of a member. */
export function capacityFault(weeklyCapacityMinutes: bigint): string | undefined {
  return minutesFault(weeklyCapacityMinutes, MINUTES_A_WEEK);
}

/** Checks the minutes of a reservation. */
export function reservedFault(minutes: bigint): string | undefined {
  return rangeFault(minutes, 1n, MINUTES_A_WEEK);
}

/** Checks the number of weeks to list. */
export function weekCountFault(count: number): string | undefined {
  return count >= 0 && count <= MAX_WEEKS
    ? undefined
    : `must be from 1 to ${MAX_WEEKS}, or 0, which is read as ${DEFAULT_WEEKS}; it is ${count}`;
}

function minutesFault(minutes: bigint, most: bigint): string | undefined {
  return minutes >= 0n && minutes <= most ? undefined : `must be from 0 to ${most} minutes; it is ${minutes}`;
}
