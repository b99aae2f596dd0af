import { parseArgs } from 'node:util';
import type { Clock, WallClock } from '@rondo/rpc/clock';
import { didYouMean } from '@rondo/rpc/internal';
import type { RepositoryDoctor } from './doctor/finding.js';
import { UsageError } from './errors.js';
import { ExitCode } from './exit-code.js';
import { type Completion, type Described, formatHelp, type Options } from './help.js';
import type { Input, Terminal } from './terminal/terminal.js';
import { messageOf } from './workspace/errors.js';

/** What a command may use of its process. Tests pass their own. */
export interface CommandContext {
  readonly stdin: Input;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly repository: string;
  /** The folder of the package @rondo/tool. In an image neither folder exists. */
  readonly tool: string;
  /** Loads the checks of the workspace; undefined in an image, which has none. */
  readonly doctor: () => Promise<RepositoryDoctor | undefined>;
  /** The data folder that `npm start` uses by default. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** The time of day, for printing. */
  readonly wallClock: WallClock;
  /** The program file that this process runs. */
  readonly program: string;
  /** Aborts at Ctrl-C. A command that follows something ends then; a command that has a result still prints it. */
  readonly signal: AbortSignal;
}

/** A command line that is still being written. */
export interface Written {
  /** The arguments before the cursor's. */
  readonly positionals: readonly string[];
  /** The values of the options before the cursor's argument, by name. */
  readonly values: Readonly<Record<string, string | undefined>>;
  /** The part of the cursor's argument that is written; may be empty. */
  readonly word: string;
}

type Parsed<O extends Options> = ReturnType<typeof parseArgs<{ args: string[]; options: O; allowPositionals: true }>>;

/** The parsed command line: the options by name, and the other arguments. */
export interface Arguments<O extends Options> {
  readonly values: Parsed<O>['values'];
  readonly positionals: readonly string[];
}

/** The definition of a command. */
export interface CommandSpec<O extends Options> extends Described {
  readonly options: O;
  /** The candidates for the cursor's argument. Errors that it throws are not shown. */
  complete?(written: Written, context: CommandContext): Promise<Completion>;
  /** Resolves to what is printed, or to an exit code of a command that prints by itself; undefined for OK. */
  run(args: Arguments<O>, context: CommandContext): Promise<Printed | number | undefined>;
}

/** What a command prints at its end: `json` with the option `--json`, else `text`. */
export interface Printed {
  readonly json: unknown;
  readonly text: string;
  /** Whether the exit code is FAILED all the same. */
  readonly failed?: boolean;
}

/** A command that can be run. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  readonly options: Options;
  readonly maxPositionals: number;
  complete(written: Written, context: CommandContext): Promise<Completion>;
  /** @throws UsageError if `args` can't be parsed, and RpcError if a call fails. */
  run(args: readonly string[], context: CommandContext): Promise<number>;
}

/** Makes a command from its definition. Each file in `commands/` defines one or more, and `commands/index.ts` lists them. */
export function defineCommand<const O extends Options>(spec: CommandSpec<O>): Command {
  const { name, summary, options, maxPositionals } = spec;
  return {
    name,
    summary,
    options,
    maxPositionals,
    help: formatHelp(spec),
    complete: async (written, context) => (await spec.complete?.(written, context)) ?? [],
    async run(args, context) {
      const parsed = parse(spec, args);
      const result = await spec.run(parsed, context);
      if (typeof result !== 'object') return result ?? ExitCode.OK;
      const { json, text, failed = false } = result;
      const isJson = 'json' in parsed.values && parsed.values.json === true;
      await context.stdout.write(isJson ? `${JSON.stringify(json)}\n` : text);
      return failed ? ExitCode.FAILED : ExitCode.OK;
    },
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

/** parseArgs refuses a value that begins with a dash: it may be the next option, and the value is missing. */
function explainDash(option: string): string {
  const joined = option.startsWith('--') ? `${option}=` : option;
  return `${option} needs a value; one that begins with - is written ${joined}-…`;
}
