import { didYouMean } from '@rondo/rpc/internal';
import { type Command, defineCommand } from '../command.js';
import { completeLine } from '../completion/complete-line.js';
import { UsageError } from '../errors.js';

/** The shells that can complete `rondo`. */
const shells = ['bash', 'zsh', 'fish'] as const;
const NAME_IT = `Name the shell: ${shells.join(', ')}`;

/** `rondo completion`: a script that makes Tab complete `rondo` in a shell. */
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
