import { isId } from './names.js';

/**
 * What a value must be. Each rule answers with what is wrong and the remedy, or undefined where nothing is; the
 * migrations hold the same bounds.
 */

const MAX_FIRST_TASKS = 100;
const MAX_TITLE_LENGTH = 200;
const MAX_EMAIL_LENGTH = 254;
const MAX_BATCH = 1_000;
const MAX_DEPENDENCIES = 100;
const MAX_EFFORT_MINUTES = 10_000_000n;
const MINUTES_A_WEEK = 10_080n;
const MAX_WEEKS = 104;
/** How many weeks are listed to who doesn't say. */
export const DEFAULT_WEEKS = 8;

/** Of a title or a display name. Lengths are in characters (code points), as PostgreSQL counts them. */
export function titleFault(title: string): string | undefined {
  if (title.trim() === '') return `is required: 1 to ${MAX_TITLE_LENGTH} characters that aren't all spaces`;
  const length = [...title].length;
  if (length > MAX_TITLE_LENGTH) return `must have at most ${MAX_TITLE_LENGTH} characters; it has ${length}`;
  if (/\p{Cc}/u.test(title)) return 'must not contain control characters, such as line breaks or tabs';
  return undefined;
}

/** Of an e-mail address: what can't be one is refused; whether it receives anything, only sending shows. */
export function emailFault(email: string): string | undefined {
  if (email === '') return 'is required: an address such as ada@example.com';
  if (email.length > MAX_EMAIL_LENGTH)
    return `must have at most ${MAX_EMAIL_LENGTH} characters; it has ${email.length}`;
  if (!/^[!-?A-~]+@[!-?A-~]+$/.test(email)) return 'must be one ASCII address without spaces, such as ada@example.com';
  return undefined;
}

/** Of the number of tasks that a project is created with. */
export function firstTasksFault(count: number): string | undefined {
  if (count <= MAX_FIRST_TASKS) return undefined;
  return `must be at most ${MAX_FIRST_TASKS}, and are ${count}; add the others by BatchCreateTasks`;
}

/** Of the number of tasks that are created at once. */
export function batchFault(count: number): string | undefined {
  if (count >= 1 && count <= MAX_BATCH) return undefined;
  return `must be 1 to ${MAX_BATCH}, and are ${count}${count === 0 ? '' : '; send the others in further calls'}`;
}

/** Of what a task depends on. */
export function dependenciesFault(names: readonly string[]): string | undefined {
  if (names.length > MAX_DEPENDENCIES) return `must be at most ${MAX_DEPENDENCIES}, and are ${names.length}`;
  const twice = names.find((name, index) => names.indexOf(name) < index);
  return twice === undefined ? undefined : `must name each task once; it has "${twice}" twice`;
}

/** Of the id that a caller gives a task; empty to have one made. */
export function taskIdFault(id: string): string | undefined {
  if (id === '' || isId(id)) return undefined;
  return `must be 1 to 63 of a-z 0-9 -, not beginning with -, or empty to have one made; it is "${id}"`;
}

/** Of the estimate of a task. */
export function effortFault(effortMinutes: bigint): string | undefined {
  return rangeFault(effortMinutes, MAX_EFFORT_MINUTES);
}

/** Of what a member can work in a week. */
export function capacityFault(weeklyCapacityMinutes: bigint): string | undefined {
  return rangeFault(weeklyCapacityMinutes, MINUTES_A_WEEK);
}

/** Of what is reserved of a week. */
export function reservedFault(minutes: bigint): string | undefined {
  return minutes >= 1n && minutes <= MINUTES_A_WEEK
    ? undefined
    : `must be from 1 to ${MINUTES_A_WEEK}; it is ${minutes}`;
}

/** Of how many weeks are listed. */
export function weekCountFault(count: number): string | undefined {
  return count >= 0 && count <= MAX_WEEKS
    ? undefined
    : `must be from 1 to ${MAX_WEEKS}, or 0, which is read as ${DEFAULT_WEEKS}; it is ${count}`;
}

function rangeFault(minutes: bigint, most: bigint): string | undefined {
  return minutes >= 0n && minutes <= most ? undefined : `must be from 0 to ${most} minutes; it is ${minutes}`;
}
