/** Why a process can't start, in words for whoever starts it: shown as one line, without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}
