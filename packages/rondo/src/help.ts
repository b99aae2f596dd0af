import type { CommandSpec, Options } from './command.js';
import { EXIT_CODE_MEANINGS, ExitCode } from './exit-code.js';
import type { Paint } from './terminal/terminal.js';

/** A group of commands in the overview. */
export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
}

/** The text that `rondo help` prints. */
export function formatOverview(groups: readonly CommandGroup[]): string {
  const width = Math.max(...groups.flatMap(({ commands }) => commands.map(({ name }) => name.length)));
  return [
    'rondo <command> [arguments] [options]',
    '',
    'Builds and runs a workspace of services, inspects what runs, and calls it. In a workspace, type ./rondo instead of rondo.',
    ...groups.flatMap(({ title, commands }) =>
      commands.length === 0
        ? []
        : ['', `${title}:`, ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)],
    ),
    `  ${'help'.padEnd(width)}  Explains a command, with examples: rondo help call.`,
    ...columns('Begin with:', [
      ['npm start', 'Runs everything, in a terminal of its own.'],
      ['rondo ps', 'Shows what runs.'],
      ['rondo describe SERVICE', 'Prints the methods of one.'],
      ["rondo call SERVICE/METHOD '{}'", 'Calls a method.'],
      ['eval "$(rondo completion bash)"', 'Makes Tab complete commands, services and methods.'],
    ]),
    '',
    "The registry's address is --registry, else RONDO_REGISTRY, else that of the system that runs in this workspace, else",
    '127.0.0.1:50050. RONDO_TOKEN, or the file of RONDO_TOKEN_FILE, has the token or API key that goes with each call. Text is',
    'coloured on a terminal: NO_COLOR turns colours off, FORCE_COLOR turns them on everywhere. --version prints the version.',
    'Exit codes: 0 done; 1 failed; 2 the command line is wrong; 130 Ctrl-C ended the command before its answer.',
    '',
  ].join('\n');
}

/** The text that `--help` prints for one command. */
export function formatHelp<O extends Options>(spec: Omit<CommandSpec<O>, 'run' | 'complete'>): string {
  const { name, summary, usage, details, options, examples } = spec;
  return [
    `rondo ${name} ${usage}`.trimEnd(),
    '',
    summary,
    ...(details === undefined ? [] : ['', details]),
    ...columns('Options:', Object.entries(options).map(describeOption)),
    '',
    'Examples:',
    ...examples.flatMap(([line, purpose]) => [`  rondo ${line}`, `      ${purpose}`]),
    ...columns('Exit codes:', exitCodes(spec)),
    '',
  ].join('\n');
}

/** Prints the first line and the titles of a help text in bold. */
export function paintHelp(text: string, paint: Paint): string {
  return text.replaceAll(/^(?:rondo .*|[A-Z][\w ]*:)$/gm, (line) => paint('bold', line));
}

function describeOption([option, { short, placeholder, description }]: [string, Options[string]]): [string, string] {
  const flag = `${short === undefined ? '' : `-${short}, `}--${option}${placeholder === undefined ? '' : ` ${placeholder}`}`;
  return [flag, description];
}

function exitCodes<O extends Options>({
  exitCodes = {},
}: Pick<CommandSpec<O>, 'exitCodes'>): readonly [string, string][] {
  const meanings = { ...EXIT_CODE_MEANINGS, ...exitCodes };
  return [
    [String(ExitCode.OK), meanings.OK],
    [String(ExitCode.FAILED), meanings.FAILED],
    [String(ExitCode.USAGE), meanings.USAGE],
    [String(ExitCode.INTERRUPTED), meanings.INTERRUPTED],
  ];
}

function columns(title: string, rows: readonly [string, string][]): readonly string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([first]) => first.length));
  return ['', title, ...rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`)];
}
