/** A command line that can't be understood: shown as one line that says what is wrong and what is right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
