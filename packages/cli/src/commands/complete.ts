import { type Command, type Completion, defineCommand } from '../command.js';
import { completeLine } from '../completion/index.js';
import { ExitCode } from '../exit-code.js';

/**
 * `rondo complete -- <words>`, what completion scripts run: the words after `rondo`, the last one as far as it is written.
 * It prints a candidate a line, a tab and what it is; `:files` and `:folders` have the shell complete a path, and
 * `:nospace` says that words are gone on with. It has no faults to tell: they would stand in the line being typed.
 */
export function createComplete(commands: readonly Command[]): Command {
  return defineCommand({
    name: 'complete',
    summary: 'Lists what may stand at the end of a command line, for the scripts of rondo completion.',
    usage: '-- [word] …',
    options: {},
    maxPositionals: Number.POSITIVE_INFINITY,
    examples: [['complete -- call Calc', 'The services that begin so.']],
    async run({ positionals }, context) {
      await context.stdout.write(format(await completeLine(positionals, commands, context)));
      return ExitCode.OK;
    },
  });
}

function format(completion: Completion): string {
  if (typeof completion === 'string') return `:${completion}\n`;
  const open = completion.some(({ word }) => word.endsWith('/')) ? ':nospace\n' : '';
  return `${open}${completion.map(({ word, about = '' }) => `${word}\t${about}\n`).join('')}`;
}
