/**
 * Rules for values. Each function returns what is wrong and how to correct it, or undefined if the value is valid. The
 * CHECK constraints in the services' migrations have the same bounds.
 */

const MAX_TITLE_LENGTH = 200;
const MAX_EMAIL_LENGTH = 254;

/** Checks a title or a display name. Lengths are in code points, the unit in which PostgreSQL counts. */
export function titleFault(title: string): string | undefined {
  if (title.trim() === '') return `is required: 1 to ${MAX_TITLE_LENGTH} characters that aren't all spaces`;
  const length = [...title].length;
  if (length > MAX_TITLE_LENGTH) return `must have at most ${MAX_TITLE_LENGTH} characters; it has ${length}`;
  if (/\p{Cc}/u.test(title)) return 'must not contain control characters, such as line breaks or tabs';
  return undefined;
}

/** Checks the form of an e-mail address. Only sending a message would show whether it exists. */
export function emailFault(email: string): string | undefined {
  if (email === '') return 'is required: an address such as ada@example.com';
  if (email.length > MAX_EMAIL_LENGTH)
    return `must have at most ${MAX_EMAIL_LENGTH} characters; it has ${email.length}`;
  if (!/^[!-?A-~]+@[!-?A-~]+$/.test(email)) return 'must be one ASCII address without spaces, such as ada@example.com';
  return undefined;
}

/** Checks that a number is within bounds, both included. */
export function rangeFault<N extends number | bigint>(value: N, least: N, most: N): string | undefined {
  return value >= least && value <= most ? undefined : `must be from ${least} to ${most}; it is ${value}`;
}
