/** What the tasks behind `npm run` share in how they are told what to do. */
import { parseArgs } from 'node:util';

/**
 * `npm run sim --seeds=9` hands npm all of it, and leaves a run that isn't the one that was asked for.
 * @param {string[]} names
 * @param {string} usage
 * @returns {string | undefined} How it's done, where that happened.
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
    // The first sentence: the others tell of a "--" that isn't ours.
    const [reason] = error.message.split(/\.\s/);
    throw new Error(`${reason}: ${usage}`, { cause: error });
  }
}

/**
 * The options of a task that takes nothing else, each with a value.
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
 * A word of a command as a shell takes it, whatever stands in it.
 * @param {string} text
 * @returns {string}
 */
export function quoted(text) {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
