/** How a command ended, as `--help` documents it. */
export const ExitCode = {
  OK: 0,
  /** A call failed, or what was asked for can't be done. */
  FAILED: 1,
  /** The command line can't be understood. */
  USAGE: 2,
  /** Ctrl-C came before the answer. */
  INTERRUPTED: 130,
} as const;
