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

/** How a command may end. */
export type ExitCodeName = keyof typeof ExitCode;

/** What the codes mean, where a command doesn't say more. */
export const EXIT_CODE_MEANINGS: Readonly<Record<ExitCodeName, string>> = {
  OK: 'Done.',
  FAILED: "What was asked for can't be done; standard error says why.",
  USAGE: "The command line can't be understood.",
  INTERRUPTED: 'Ctrl-C came before the answer.',
};
