import { parseArgs } from 'node:util';
import { didYouMean } from '@rondo/rpc/internal';
import { type Command, type CommandContext, defineCommand } from '../command.js';
import { pause } from '../deadline.js';
import { UsageError } from '../errors.js';
import type { Candidate, Completion } from '../help.js';

/** The shells that can complete `rondo`. */
const shells = ['bash', 'zsh', 'fish'] as const;
const NAME_IT = `Name the shell: ${shells.join(', ')}`;

export const completion = defineCommand({
  name: 'completion',
  summary: 'Prints a script that makes a shell complete commands, options, services and methods.',
  details: [
    "The script belongs in the shell's start file. If the PATH has no rondo, it defines one that runs this workspace's.",
    "Services and methods come from the running registry. If it doesn't answer soon, they aren't completed.",
  ].join('\n'),
  options: {},
  args: { shell: '<bash | zsh | fish>' },
  missing: NAME_IT,
  examples: [
    ['completion bash >>~/.bashrc', 'For every bash from now on.'],
    ['completion fish >>~/.config/fish/config.fish', 'The same for fish.'],
  ],
  complete: async () => shells.map((word) => ({ word })),
  async run({ shell: name }, { stdout, program }) {
    const shell = shells.find((known) => known === name);
    if (shell === undefined)
      throw new UsageError(`"${name}" is not a known shell.${didYouMean(name, shells)} ${NAME_IT}`);
    // If there is no `rondo`, the script defines one that runs `program`, so that a clone needs no installation.
    await stdout.write(scripts[shell](`node '${program.replaceAll("'", `'\\''`)}'`));
    return undefined;
  },
});

/**
 * `rondo complete -- <words>`, which completion scripts run with the words after `rondo`; the last word may be unfinished.
 * Each line is a candidate, a tab and its description. `:files` and `:folders` tell the shell to complete a path, `:nospace`
 * not to add a space. Errors print nothing, as they would appear in the line that the user types.
 */
export function createComplete(commands: readonly Command[]): Command {
  return defineCommand({
    name: 'complete',
    summary: 'Lists what may stand at the end of a command line, for the scripts of rondo completion.',
    options: {},
    args: { words: '[word] …' },
    examples: [['complete -- call Calc', 'The services whose names begin with Calc.']],
    async run({ words }, context) {
      const found = await completeLine(words, commands, context);
      if (typeof found === 'string') await context.stdout.write(`:${found}\n`);
      else {
        const open = found.some(({ word }) => word.endsWith('/')) ? ':nospace\n' : '';
        await context.stdout.write(open + found.map(({ word, about = '' }) => `${word}\t${about}\n`).join(''));
      }
      return undefined;
    },
  });
}

const scripts: Readonly<Record<(typeof shells)[number], (rondo: string) => string>> = {
  // Readline also breaks words at = and :, and replaces only the part after them. Bash 3.2 has no compopt.
  bash: (rondo) => `type rondo >/dev/null 2>&1 || rondo() { ${rondo} "$@"; }
_rondo() {
  local line=\${COMP_LINE:0:COMP_POINT} words word kept reply
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  word=\${words[\${#words[@]} - 1]}
  kept=\${word%"\${word##*[=:]}"}
  COMPREPLY=()
  while IFS= read -r reply; do
    case $reply in
      :files) compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "\${word#"$kept"}")) ;;
      :folders) compopt -o dirnames 2>/dev/null || COMPREPLY=($(compgen -d -- "\${word#"$kept"}")) ;;
      :nospace) compopt -o nospace 2>/dev/null ;;
      *) reply=\${reply%%$'\\t'*} COMPREPLY+=("\${reply#"$kept"}") ;;
    esac
  done < <(${rondo} complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _rondo rondo
`,
  zsh: (rondo) => `#compdef rondo
type rondo >/dev/null 2>&1 || rondo() { ${rondo} "$@"; }
_rondo() {
  local reply about
  local -a found nospace
  for reply in "\${(@f)$(${rondo} complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $reply in
      :files) compset -P '*='; _files; return ;;
      :folders) compset -P '*='; _files -/; return ;;
      :nospace) nospace=(-S '') ;;
      ?*) about=\${reply#*$'\\t'} found+=("\${\${reply%%$'\\t'*}//:/\\\\:}\${about:+:$about}") ;;
    esac
  done
  _describe rondo found $nospace
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _rondo rondo
`,
  fish: (rondo) => `if not type -q rondo
    function rondo
        ${rondo} $argv
    end
end
function __rondo
    set -l words (commandline -opc) (commandline -ct)
    set -l path (string replace -r '^--[^=]*=' '' -- $words[-1])
    set -l kept (string sub -l (math (string length -- $words[-1]) - (string length -- $path)) -- $words[-1])
    for reply in (${rondo} complete -- $words[2..-1] 2>/dev/null)
        switch $reply
            case :files
                printf '%s\\n' $kept(__fish_complete_path $path)
            case :folders
                printf '%s\\n' $kept(__fish_complete_directories $path)
            case :nospace # fish puts no space behind a /
            case '*'
                echo $reply
        end
    end
end
complete -c rondo -f -a '(__rondo)'
`,
};

/** A later answer is of no use: the user has pressed Tab and waits. Milliseconds. */
const DEADLINE_MS = 1_500;

/** The candidates for the last of `words`, the words after `rondo`. There are none if they can't be found in time. */
export async function completeLine(
  words: readonly string[],
  commands: readonly Command[],
  context: CommandContext,
): Promise<Completion> {
  const [name = '', ...rest] = words;
  if (words.length < 2) return select(name, name.startsWith('-') ? overall : names(commands));
  if (name === 'help') return rest.length === 1 ? select(rest[0], names(commands)) : [];
  const command = commands.find((candidate) => candidate.name === name);
  return command === undefined ? [] : inTime(context, (bounded) => completeCommand(command, rest, bounded));
}

const overall: readonly Candidate[] = [
  { word: '--help', about: 'Lists the commands.' },
  { word: '--version', about: 'Prints the version.' },
];

function names(commands: readonly Command[]): readonly Candidate[] {
  return [
    ...commands.map(({ name, summary }) => ({ word: name, about: summary })),
    { word: 'help', about: 'Explains a command, with examples.' },
  ];
}

/** Runs `work` and cancels it after the deadline. A failure or a late answer is no candidate. */
async function inTime(
  context: CommandContext,
  work: (context: CommandContext) => Promise<Completion>,
): Promise<Completion> {
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const found = work({ ...context, signal }).catch((): Completion => []);
  const late = pause(DEADLINE_MS, { ...context, signal }).then((): Completion => []);
  const completion = await Promise.race([found, late]);
  over.abort();
  return completion;
}

async function completeCommand(
  command: Command,
  words: readonly string[],
  context: CommandContext,
): Promise<Completion> {
  const before = words.slice(0, -1);
  const word = words.at(-1) ?? '';
  if (before.includes('--')) return completeArgument(command, { before, word }, context);
  const pending = takesValue(command, before.at(-1));
  if (pending !== undefined) return select(word, pending.complete ?? []);
  const [, joined, value = ''] = /^(--[^=]+)=(.*)$/.exec(word) ?? [];
  if (joined !== undefined) return prefixed(`${joined}=`, select(value, takesValue(command, joined)?.complete ?? []));
  return word.startsWith('-')
    ? select(word, flags(command, before))
    : completeArgument(command, { before, word }, context);
}

function takesValue({ options }: Command, flag: string | undefined) {
  const found = Object.entries(options).find(
    ([name, { short }]) => flag === `--${name}` || (short !== undefined && flag === `-${short}`),
  );
  return found?.[1].type === 'string' ? found[1] : undefined;
}

function prefixed(prefix: string, completion: Completion): Completion {
  if (typeof completion === 'string') return completion;
  return completion.map(({ word, about }) => ({ word: `${prefix}${word}`, ...(about !== undefined && { about }) }));
}

/** The options that may still be given. */
function flags({ options }: Command, before: readonly string[]): readonly Candidate[] {
  const free = Object.entries(options).filter(([name, { multiple }]) => multiple || !before.includes(`--${name}`));
  return [
    ...free.map(([name, { description }]) => ({ word: `--${name}`, about: description })),
    { word: '--help', about: 'Explains the command.' },
  ];
}

async function completeArgument(
  command: Command,
  { before, word }: { readonly before: readonly string[]; readonly word: string },
  context: CommandContext,
): Promise<Completion> {
  const { options } = command;
  const { values, positionals } = parseArgs({ args: [...before], options, allowPositionals: true, strict: false });
  const given = Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? value : undefined]);
  return select(word, await command.complete({ positionals, values: Object.fromEntries(given), word }, context));
}

function select(word = '', completion: Completion): Completion {
  return typeof completion === 'string' ? completion : completion.filter((one) => one.word.startsWith(word));
}
