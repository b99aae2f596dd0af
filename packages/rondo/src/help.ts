import { UsageError } from './errors.js';
import { EXIT_CODE_MEANINGS, ExitCode, type ExitCodeName } from './exit-code.js';
import type { Paint } from './terminal/terminal.js';

/** One option, as `node:util` parses it and `--help` shows it. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  readonly placeholder?: string;
  readonly description: string;
  /** The value if the option isn't given: of an option that {@link read} reads, as text. Help names it. */
  readonly default?: string | boolean;
  /** Reads the value. @throws UsageError that names the option. */
  readonly read?: (text: string, option: string) => unknown;
  /** The candidates for its value, if they can be listed. */
  readonly complete?: Completion;
}

/** A word that may stand at the cursor. A word that ends in `/` can be continued. */
export interface Candidate {
  readonly word: string;
  readonly about?: string;
}

/** What may stand at the cursor: words, or a path, which the shell itself completes. */
export type Completion = 'files' | 'folders' | readonly Candidate[];

export const flag = (description: string) => ({ type: 'boolean' as const, default: false, description });

/** An option with a value, which the placeholder stands for. */
export const valued = (placeholder: string, description: string) => ({
  type: 'string' as const,
  placeholder,
  description,
});

/** An option with a value of some values. */
export const oneOf = <const T extends string>(placeholder: string, description: string, values: readonly T[]) => ({
  ...valued(placeholder, description),
  complete: values.map((word) => ({ word })),
  read(text: string, option: string): T {
    const found = values.find((value) => value === text);
    if (found !== undefined) return found;
    throw new UsageError(`--${option} ${text}: must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`);
  },
});

export type Options = Readonly<Record<string, Option>>;

/** The arguments of a command by name, each as the usage shows it: `<required>`, `[optional]`, and the last may be repeated: `[it] …`. */
export type Args = Readonly<Record<string, string>>;

/** What `--help` prints of a command. */
export interface Described {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Its arguments, such as `[service] [options]`. */
  readonly usage: string;
  /** The paragraphs of `--help` before the options. */
  readonly details?: string;
  readonly options: Options;
  /** Command lines without the leading `rondo`, each with its purpose. */
  readonly examples: readonly (readonly [line: string, purpose: string])[];
  /** The meanings of exit codes that differ from {@link EXIT_CODE_MEANINGS}. */
  readonly exitCodes?: Partial<Readonly<Record<ExitCodeName, string>>>;
}

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
}

/** Whether a command is asked for its help. Arguments after `--` are not options. */
export const wantsHelp = (args: readonly string[]): boolean =>
  args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).some((arg) => arg === '--help' || arg === '-h');

export function formatOverview(groups: readonly CommandGroup[]): string {
  const width = Math.max(...groups.flatMap(({ commands }) => commands.map(({ name }) => name.length)));
  return [
    'rondo <command> [arguments] [options]',
    '',
    'Builds and runs a workspace of services, inspects what runs, and calls it. In a workspace, type ./rondo instead of rondo.',
    ...groups.flatMap(({ title, commands }) => [
      ...['', `${title}:`],
      ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    ]),
    `  ${'help'.padEnd(width)}  Explains a command, with examples: rondo help call.`,
    `  ${''.padEnd(width)}  eval "$(rondo completion bash)" makes Tab complete commands, services and methods.`,
    '',
    "The registry's address is --registry, else RONDO_REGISTRY, else that of the system that runs in this workspace, else",
    '127.0.0.1:50050. RONDO_TOKEN, or the file of RONDO_TOKEN_FILE, has the token or API key that goes with each call. Text is',
    'coloured on a terminal: NO_COLOR turns colours off, FORCE_COLOR turns them on everywhere. --version prints the version.',
    'Exit codes: 0 done; 1 failed; 2 the command line is wrong; 130 Ctrl-C ended the command before its answer.',
    '',
  ].join('\n');
}

export function formatHelp(spec: Described): string {
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

function describeOption([name, option]: [string, Option]): [string, string] {
  const { short, placeholder, description, default: usual } = option;
  const flag = `${short === undefined ? '' : `-${short}, `}--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`;
  return [
    flag,
    typeof usual === 'string' && usual !== '' ? `${description.replace(/\.$/, '')}; ${usual} by default.` : description,
  ];
}

function exitCodes({ exitCodes = {} }: Described): readonly [string, string][] {
  const meanings = new Map(Object.entries({ ...EXIT_CODE_MEANINGS, ...exitCodes }));
  return Object.entries(ExitCode).map(([name, code]) => [String(code), meanings.get(name) ?? '']);
}

function columns(title: string, rows: readonly [string, string][]): readonly string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([first]) => first.length));
  return ['', title, ...rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`)];
}
