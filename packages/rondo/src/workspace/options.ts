/** Parsing the options of commands that npm scripts run. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from '../errors.js';
import { messageOf } from './errors.js';

/**
 * Detects options without a "--" before them: npm takes `npm run seed --today=2026-11-20` for an option of its own, and the command
 * would run without it.
 *
 * @returns an error message with the usage; undefined if npm took none of `names`.
 */
export function takenByNpm(names: readonly string[], usage: string): string | undefined {
  const taken = names.find((name) => process.env[`npm_config_${name.replaceAll('-', '_')}`] !== undefined);
  return taken && `npm took --${taken} for an option of its own; ours come after a "--": ${usage}`;
}

/**
 * `parseArgs`, which is strict.
 *
 * @throws UsageError with one line that says what is wrong, and `usage`.
 */
export function parse<const Config extends ParseArgsConfig>(
  config: Config,
  usage: string,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    // Only the first sentence: the others explain another use of "--".
    const [reason] = messageOf(error).split(/\.\s/);
    throw new UsageError(`${reason}: ${usage}`, { cause: error });
  }
}

/**
 * Parses the arguments of a command that takes only options.
 *
 * @throws UsageError with one line that says what is wrong, and `usage`.
 */
export function onlyOptions<const Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
  usage: string,
): ReturnType<typeof parseArgs<{ args: string[]; allowPositionals: true; options: Options }>>['values'] {
  const taken = takenByNpm(Object.keys(options), usage);
  if (taken !== undefined) throw new UsageError(taken);
  const { values, positionals } = parse({ args: [...args], allowPositionals: true, options }, usage);
  if (positionals.length > 0) {
    // `npm start --data D` hands npm the flag and leaves us its value.
    throw new UsageError(`"${positionals[0]}" is not expected here; options come after a "--": ${usage}`);
  }
  return values;
}

/** Quotes a word for a POSIX shell. */
export function quoted(text: string): string {
  return /^[\w./@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
