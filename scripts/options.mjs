/** Parsing the options of npm scripts. */
import { parseArgs } from 'node:util';

/**
 * Detects options without a "--" before them: npm takes `npm run seed --today=2026-11-20` for an option of its own, and the script would run
 * without it.
 * @param {string[]} names
 * @param {string} usage
 * @returns {string | undefined} An error message with the usage; undefined if npm took none of `names`.
 */
export function takenByNpm(names, usage) {
  const taken = names.find((name) => process.env[`npm_config_${name.replaceAll('-', '_')}`] !== undefined);
  return taken && `npm took --${taken} for an option of its own; ours come after a "--": ${usage}`;
}

/**
 * @template {import('node:util').ParseArgsConfig} Config
 * @param {Config} config Of `parseArgs`, which is strict.
 * @param {string} usage
 * @returns {ReturnType<typeof parseArgs<Config>>}
 * @throws {Error} with one line that says what is wrong, and `usage`.
 */
export function parse(config, usage) {
  try {
    return parseArgs(config);
  } catch (error) {
    // Only the first sentence: the others explain another use of "--".
    const [reason] = error.message.split(/\.\s/);
    throw new Error(`${reason}: ${usage}`, { cause: error });
  }
}

/**
 * Parses the arguments of a script that takes only options with values.
 * @param {string[]} args
 * @param {string[]} names
 * @param {string} usage
 * @returns {Record<string, string | undefined>}
 * @throws {Error} with one line that says what is wrong, and `usage`.
 */
export function namedOptions(args, names, usage) {
  const taken = takenByNpm(names, usage);
  if (taken !== undefined) throw new Error(taken);
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const { values, positionals } = parse({ args, allowPositionals: true, options }, usage);
  if (positionals.length > 0) {
    throw new Error(`"${positionals[0]}" is not expected here; options come after a "--": ${usage}`);
  }
  return values;
}

/**
 * Quotes a word for a POSIX shell.
 * @param {string} text
 * @returns {string}
 */
export function quoted(text) {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
