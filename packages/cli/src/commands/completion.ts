import { defineCommand } from '../command.js';
import { type Shell, script, shells } from '../completion/index.js';
import { ExitCode } from '../exit-code.js';
import { didYouMean } from '../terminal/index.js';
import { UsageError } from '../usage-error.js';

/** `rondo completion`: Tab for the shell. */
export const completion = defineCommand({
  name: 'completion',
  summary: 'Prints what makes a shell complete commands, options, services and methods.',
  usage: '<bash | zsh | fish>',
  details: [
    "The script is for the shell's start file. Where there is no rondo on the PATH, it defines one that runs this clone.",
    "Services and methods are asked of the registry that runs: where none answers soon, they aren't completed.",
  ].join('\n'),
  options: {},
  maxPositionals: 1,
  examples: [
    ['completion bash >>~/.bashrc', 'For every bash from now on.'],
    ['completion zsh >>~/.zshrc', 'The same for zsh.'],
    ['completion fish >>~/.config/fish/config.fish', 'The same for fish.'],
  ],
  complete: async () => shells.map((word) => ({ word })),
  async run({ positionals: [name] }, { stdout, program }) {
    await stdout.write(script(parseShell(name), program));
    return ExitCode.OK;
  },
});

function parseShell(name: string | undefined): Shell {
  const known = shells.find((shell) => shell === name);
  if (known !== undefined) return known;
  const meant = name === undefined ? '' : `"${name}" is none that is known.${didYouMean(name, shells)} `;
  throw new UsageError(`${meant}Name the shell: ${shells.join(', ')}`);
}
