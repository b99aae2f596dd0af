import { parseArgs } from 'node:util';
import type { Clock, WallClock } from '@rondo/rpc/clock';
import type { ExitCodeName } from './exit-code.js';
import { formatHelp } from './help.js';
import { didYouMean } from './terminal/text.js';
import type { Input, Terminal } from './terminal/terminal.js';
import { messageOf, UsageError } from './errors.js';

/** What a command runs in; a test brings its own. */
export interface CommandContext {
  readonly stdin: Input;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder that paths given on the command line start from. */
  readonly directory: string;
  /** The repository's folder. */
  readonly repository: string;
  /** Where `npm start` keeps its data unless told otherwise. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** The time that is shown. */
  readonly wallClock: WallClock;
  /** The file that was run to get here. */
  readonly program: string;
  /** Aborts at Ctrl-C: what follows something ends, and what has a result still prints it. */
  readonly signal: AbortSignal;
}

/** One option, as `node:util` parses it and `--help` shows it. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: boolean;
  /** What stands for its value in `--help`. */
  readonly placeholder?: string;
  readonly description: string;
  /** What may stand for its value, where that can be told. */
  readonly complete?: Completion;
}

/** A word that may stand where the cursor is. One that ends in `/` is gone on with. */
export interface Candidate {
  readonly word: string;
  readonly about?: string;
}

/** What may stand where the cursor is: words, or a path, with which the shell itself helps. */
export type Completion = 'files' | 'folders' | readonly Candidate[];

/** A command line as far as it is written. */
export interface Written {
  /** The arguments before the one that is being written. */
  readonly positionals: readonly string[];
  /** The options before it, by name; those that were given a value. */
  readonly values: Readonly<Record<string, string | undefined>>;
  /** The argument that is being written, as far as it is; may be empty. */
  readonly word: string;
}

/** The options of a command, by name. */
export type Options = Readonly<Record<string, Option>>;
type Parsed<O extends Options> = ReturnType<typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>>;

/** What a command is told: its options, by name, and its other arguments. */
export interface Arguments<O extends Options> {
  readonly values: Parsed<O>['values'];
  readonly positionals: readonly string[];
}

/** What a command is made from. */
export interface CommandSpec<O extends Options> {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Its arguments: `[service] [--json]`. */
  readonly usage: string;
  /** What `--help` says beside options and examples. */
  readonly details?: string;
  readonly options: O;
  readonly maxPositionals: number;
  /** Command lines without the leading `rondo`, each with what it is for. */
  readonly examples: readonly (readonly [line: string, purpose: string])[];
  /** What exit codes mean here, where that isn't what they mean everywhere. */
  readonly exitCodes?: Partial<Readonly<Record<ExitCodeName, string>>>;
  /** What may stand for the argument that is being written. What it throws is not shown. */
  complete?(written: Written, context: CommandContext): Promise<Completion>;
  /** Does the work and says how it ended, as an exit code. */
  run(args: Arguments<O>, context: CommandContext): Promise<number>;
}

/** A command, ready to be run. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What `--help` prints. */
  readonly help: string;
  readonly options: Options;
  readonly maxPositionals: number;
  complete(written: Written, context: CommandContext): Promise<Completion>;
  /** @throws UsageError where `args` can't be understood, and RpcError where a call fails. */
  run(args: readonly string[], context: CommandContext): Promise<number>;
}

/** Makes a command: one file each in `commands/`, listed in its table. */
export function defineCommand<const O extends Options>(spec: CommandSpec<O>): Command {
  const { name, summary, options, maxPositionals } = spec;
  return {
    name,
    summary,
    options,
    maxPositionals,
    help: formatHelp(spec),
    complete: async (written, context) => (await spec.complete?.(written, context)) ?? [],
    run: (args, context) => spec.run(parse(spec, args), context),
  };
}

function parse<const O extends Options>(spec: CommandSpec<O>, args: readonly string[]): Arguments<O> {
  const { values, positionals } = parseOptions(spec, args);
  const stray = positionals[spec.maxPositionals];
  if (stray !== undefined) throw new UsageError(`"${stray}" is not expected: rondo ${spec.name} ${spec.usage}`);
  return { values, positionals };
}

function parseOptions<const O extends Options>({ options }: CommandSpec<O>, args: readonly string[]): Parsed<O> {
  try {
    return parseArgs<{ args: string[]; options: O; allowPositionals: true }>({
      args: [...args],
      options,
      allowPositionals: true,
    });
  } catch (error) {
    const message = messageOf(error);
    const dashed = /^Option '(--?\S+)' argument is ambiguous/.exec(message)?.[1];
    if (dashed !== undefined) throw new UsageError(explainDash(dashed));
    const unknown = /^Unknown option '(-.*?)'/.exec(message)?.[1];
    const known = Object.keys(options).map((option) => `--${option}`);
    if (unknown === undefined) throw new UsageError(message.replace(/\n.*/s, ''));
    throw new UsageError(`there is no option ${unknown}.${didYouMean(unknown, known)}`);
  }
}

/** A value that looks like an option may be one whose value was forgotten. */
function explainDash(option: string): string {
  const joined = option.startsWith('--') ? `${option}=` : option;
  return `${option} needs a value; one that begins with - is written ${joined}-…`;
}
