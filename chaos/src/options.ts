/** What `npm run chaos` can be told. */
import { parseArgs } from 'node:util';

/** Printed by `--help`, and where it isn't understood. */
export const USAGE = `npm run chaos -- [--only NAME[,NAME…]] [--short] [--controls] [--list]

  --only      these rows alone
  --short     three rows, faults of seconds, 100 calls a second: what CI runs
  --controls  each row once more with its guard off: that run has to show failures
  --list      what there is
`;

/** What was asked for. */
export type Options = ReturnType<typeof parse>;

/** Ends the process with exit code 2, having said why, where the command line isn't understood. */
export function readOptions(): Options {
  try {
    return parse();
  } catch (error) {
    process.stderr.write(`npm run chaos: ${(error as Error).message.split(/\.\s/)[0]}\n\n${USAGE}`);
    process.exit(2);
  }
}

const parse = () =>
  parseArgs({
    options: {
      only: { type: 'string' },
      short: { type: 'boolean', default: false },
      controls: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
