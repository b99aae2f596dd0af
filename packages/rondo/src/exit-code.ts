/** The exit codes of every command. `--help` documents them. */
export const ExitCode = {
  OK: 0,
  /** A call failed, or the command can't be carried out. */
  FAILED: 1,
  USAGE: 2,
  INTERRUPTED: 130,
} as const;

export type ExitCodeName = keyof typeof ExitCode;

/** The meanings of the codes, for commands that don't define their own. */
export const EXIT_CODE_MEANINGS: Readonly<Record<ExitCodeName, string>> = {
  OK: 'Done.',
  FAILED: 'Refused or failed; standard error says why.',
  USAGE: 'The command line is wrong.',
  INTERRUPTED: 'Ctrl-C ended the command before its answer.',
};
