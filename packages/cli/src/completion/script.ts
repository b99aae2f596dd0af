/** The shells that can complete `rondo`. */
export const shells = ['bash', 'zsh', 'fish'] as const;

/** One of {@link shells}. */
export type Shell = (typeof shells)[number];

/**
 * The script that has `shell` complete `rondo` by asking `rondo complete`. Where there is no `rondo`, it also defines one
 * that runs `program`: a clone has it without installing anything.
 */
export function script(shell: Shell, program: string): string {
  return scripts[shell](`node ${quote(program)}`);
}

/** In single quotes, as every shell reads them: a quote ends them, stands for itself, and begins them again. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const scripts: Readonly<Record<Shell, (rondo: string) => string>> = {
  // Readline breaks words at = and : too, and replaces only what stands behind them. Bash 3.2 has no compopt.
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
