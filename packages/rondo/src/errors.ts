import { messageOf } from './workspace/errors.js';

/** The command line is wrong. The message is one line that says what is wrong and what is right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What `read` returns. @throws UsageError in place of what it throws, which is the user's to mend. `tell` may add to its message. */
export function asUsage<T>(read: () => T, tell = (reason: string) => reason): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(tell(messageOf(error)));
  }
}
