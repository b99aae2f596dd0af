/**
 * What a value must be. Each rule answers with what is wrong and the remedy, or undefined where nothing is; the
 * migrations hold the same bounds.
 */

const MAX_FIRST_TASKS = 100;
const MAX_TITLE_LENGTH = 200;
const MAX_EMAIL_LENGTH = 254;
const MAX_EFFORT_MINUTES = 10_000_000n;
const MINUTES_A_WEEK = 10_080n;

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
  return `must be at most ${MAX_FIRST_TASKS}, and are ${count}; add the others by CreateTask`;
}

/** Of the estimate of a task. */
export function effortFault(effortMinutes: bigint): string | undefined {
  return rangeFault(effortMinutes, MAX_EFFORT_MINUTES);
}

/** Of what a member can work in a week. */
export function capacityFault(weeklyCapacityMinutes: bigint): string | undefined {
  return rangeFault(weeklyCapacityMinutes, MINUTES_A_WEEK);
}

function rangeFault(minutes: bigint, most: bigint): string | undefined {
  return minutes >= 0n && minutes <= most ? undefined : `must be from 0 to ${most} minutes; it is ${minutes}`;
}
