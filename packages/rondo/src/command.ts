import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Clock, WallClock } from '@rondo/rpc/clock';
import { didYouMean } from '@rondo/rpc/internal';
import type { RepositoryDoctor } from './doctor/checks.js';
import { UsageError } from './errors.js';
import { ExitCode } from './exit-code.js';
import { type Args, type Completion, type Described, formatHelp, type Option, type Options } from './help.js';
import type { Input, Over, Terminal } from './terminal/terminal.js';
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
  /** The data folder of `npm start`: the default one, or that of `--data`. */
  readonly dataDirectory: string;
  /** What `--registry` names; undefined if it isn't given. */
  readonly registry?: string | undefined;
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

/** What a command runs with: that of the process, with what `--data`, `--registry` and `--json` change. */
export interface RunContext extends CommandContext {
  /** Whether a program reads the output. Then standard error has errors only. */
  readonly json: boolean;
  /** Prints what was found. @param over What the text is written over; by default nothing. */
  print(found: Printed, over?: Over): Promise<void>;
}

type OptionValue<O extends Option> = O extends { readonly type: 'boolean' }
  ? boolean
  : O extends { readonly multiple: true }
    ? readonly string[]
    : (O extends { readonly read: (text: string, option: string) => infer T } ? T : string) | Missing<O>;
type Missing<O extends Option> = O extends { readonly default: string } ? never : undefined;

type ArgValue<A extends string> = A extends `${string} …`
  ? readonly string[]
  : A extends `<${string}`
    ? string
    : string | undefined;

/** The options and the arguments of a command line, each by its name. */
export type Values<A extends Args, O extends Options> = { readonly [K in keyof O]: OptionValue<O[K]> } & {
  readonly [K in keyof A]: ArgValue<A[K]>;
};

/** What a command, or one of its actions, takes and does. */
interface Action<A extends Args, O extends Options> {
  readonly args: A;
  /** The error if a required argument is missing. */
  readonly missing?: string;
  /** The candidates for the cursor's argument. Errors that it throws are not shown. */
  complete?(written: Written, context: CommandContext): Promise<Completion>;
  /** Resolves to what is printed, or to an exit code of a command that prints by itself; undefined for OK. */
  run(values: Values<A, O>, context: RunContext): Promise<Printed | number | undefined>;
}

type About<O extends Options> = Omit<Described, 'usage' | 'options'> & { readonly options: O };

/** What a command prints at its end: `json` with the option `--json`, else `text`. Integers of 64 bits are strings in JSON. */
export interface Printed {
  readonly json: unknown;
  readonly text: string;
  /** Whether the exit code is FAILED all the same. */
  readonly failed?: boolean;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly help: string;
  readonly options: Options;
  complete(written: Written, context: CommandContext): Promise<Completion>;
  /** @throws UsageError if `args` can't be parsed, and RpcError if a call fails. */
  run(args: readonly string[], context: CommandContext): Promise<number>;
}

/** Makes a command from its definition. Each file in `commands/` defines one or more, and `commands/index.ts` lists them. */
export function defineCommand<const A extends Args, const O extends Options>(spec: About<O> & Action<A, O>): Command {
  const { args, options, name } = spec;
  const usage = [...Object.values(args), ...(Object.keys(options).length === 0 ? [] : ['[options]'])].join(' ');
  return build({ ...spec, usage }, [], (positionals) => ({ ...spec, positionals, usage: `${name} ${usage}` }));
}

/**
 * Makes a command whose first argument says what it does.
 *
 * @param spec `usual` is the action if none is named; without it, the user has to.
 */
export function defineActions<const O extends Options, const M extends Readonly<Record<string, Args>>>(
  spec: About<O> & { readonly usual?: string; readonly actions: { readonly [K in keyof M]: Action<M[K], O> } },
): Command {
  const { name, usual } = spec;
  const actions = Object.entries<Action<M[keyof M], O>>(spec.actions).map(([word, action]) => {
    return { word, action, usage: [word, ...Object.values(action.args)].join(' ') };
  });
  const [words, usages] = [actions.map(({ word }) => word), actions.map(({ usage }) => usage)];
  return build({ ...spec, usage: usages.join(`\nrondo ${name} `) }, words, ([given, ...positionals]) => {
    const chosen = actions.find(({ word }) => word === (given ?? usual));
    if (chosen !== undefined) return { ...chosen.action, positionals, usage: `${name} ${chosen.usage}` };
    const unknown = given === undefined ? '' : `there is no rondo ${name} ${given}; `;
    throw new UsageError(`${unknown}say what to do: rondo ${name} ${usages.join(', or ')}`);
  });
}

interface Chosen extends Action<Args, Options> {
  readonly positionals: readonly string[];
  /** Its command line, without `rondo`. */
  readonly usage: string;
}

/** A command that parses its options, and applies those that all commands share. `words` may stand for its first argument. */
function build(
  about: Described,
  words: readonly string[],
  choose: (positionals: readonly string[]) => Chosen,
): Command {
  const { name, summary, options } = about;
  return {
    name,
    summary,
    options,
    help: formatHelp(about),
    async complete(written, context) {
      if (written.positionals.length === 0 && words.length > 0) return words.map((word) => ({ word }));
      const { args, complete, positionals } = choose(written.positionals);
      const labels = Object.values(args);
      if (positionals.length >= labels.length && !isRepeated(labels.at(-1))) return [];
      return (await complete?.({ ...written, positionals }, withSystem(written.values, context))) ?? [];
    },
    async run(given, context) {
      const { values, positionals } = parseOptions(options, given);
      const chosen = choose(positionals);
      const json = values['json'] === true;
      const print = async (found: Printed, over?: Over) =>
        await context.stdout.write(json ? `${toJson(found.json)}\n` : found.text, json ? undefined : over);
      const read = Object.entries(options).map(([option, { multiple, read: parse }]) => {
        const value = values[option];
        if (multiple) return [option, value ?? []];
        return [option, typeof value === 'string' && parse !== undefined ? parse(value, option) : value];
      });
      const all = Object.fromEntries([...read, ...readArguments(chosen)]);
      const result = await chosen.run(all, { ...withSystem(values, context), json, print });
      if (typeof result !== 'object') return result ?? ExitCode.OK;
      await print(result);
      return result.failed ? ExitCode.FAILED : ExitCode.OK;
    },
  };
}

const isRepeated = (label = '') => label.endsWith(' …');

/** The arguments by name. @throws UsageError if one is missing, or there are more. */
function readArguments({ args, missing, positionals, usage }: Chosen) {
  const left = [...positionals];
  const read = Object.entries(args).map(([argument, label]) => {
    const value = isRepeated(label) ? left.splice(0) : left.shift();
    if (label.startsWith('<') && (value === undefined || value.length === 0))
      throw new UsageError(missing ?? `${label} is missing: rondo ${usage}`);
    return [argument, value];
  });
  const [stray] = left;
  if (stray === undefined) return read;
  throw new UsageError(`"${stray}" is not expected: rondo ${usage}`);
}

function withSystem({ data, registry }: Readonly<Record<string, unknown>>, context: CommandContext): CommandContext {
  const { directory, dataDirectory } = context;
  return {
    ...context,
    dataDirectory: typeof data === 'string' ? path.resolve(directory, data) : dataDirectory,
    ...(typeof registry === 'string' && { registry }),
  };
}

const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));

function parseOptions(options: Options, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const message = messageOf(error);
    // It refuses a value that begins with a dash: it may be the next option, and the value is missing.
    const dashed = /^Option '(--?\S+)' argument is ambiguous/.exec(message)?.[1];
    const joined = dashed?.startsWith('--') ? `${dashed}=` : dashed;
    if (dashed) throw new UsageError(`${dashed} needs a value; one that begins with - is written ${joined}-…`);
    const unknown = /^Unknown option '(-.*?)'/.exec(message)?.[1];
    const known = Object.keys(options).map((option) => `--${option}`);
    if (unknown === undefined) throw new UsageError(message.replace(/\n.*/s, ''));
    throw new UsageError(`there is no option ${unknown}.${didYouMean(unknown, known)}`);
  }
}
