/** The command lines of `npm run lab -- NAME [options]`. */
import { parseArgs } from 'node:util';
import { takenByNpm } from '@rondo/tool/workspace';

class UsageError extends Error {}

/**
 * Reads the options of a command. Prints the usage if they ask for help, and what is wrong with them.
 *
 * @typedef {object} Option
 * @property {'count' | 'flag' | 'text'} type A count is a whole number of at least 1.
 * @property {number | string} [default] Without one, an option that isn't given is undefined.
 * @property {string} [value] The placeholder of the value in the usage text.
 * @property {string} help
 *
 * @param {string[]} args
 * @param {object} command
 * @param {string} command.name
 * @param {string} command.summary
 * @param {Record<string, Option>} command.options By name, without the dashes.
 * @param {(values: object) => string | undefined} [command.check] What is wrong with the values, if anything.
 * @returns {object | number} the values; the exit code if there is nothing to run: 2 if the command line is wrong.
 */
export function readOptions(args, command) {
  try {
    const values = understand(args, command);
    if (values !== undefined) return values;
    process.stdout.write(`${usageOf(command)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`npm run lab: ${error.message}\n${usageOf(command)}\n`);
    return 2;
  }
}

/** The values of the options; undefined if help is asked for. */
function understand(args, { name, options, check = () => undefined }) {
  const taken = takenByNpm(Object.keys(options), `npm run lab -- ${name} [options]`);
  if (taken !== undefined) throw new UsageError(taken);
  const types = Object.entries(options).map(([option, { type }]) => [
    option,
    { type: type === 'flag' ? 'boolean' : 'string' },
  ]);
  const given = parse(args, { ...Object.fromEntries(types), help: { type: 'boolean' } });
  if (given.help) return undefined;
  const values = Object.entries(options).map(([option, of]) => [option, readValue(option, of, given[option])]);
  const read = Object.fromEntries(values);
  const wrong = check(read);
  if (wrong !== undefined) throw new UsageError(wrong);
  return read;
}

function parse(args, options) {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    // Only the first sentence: the others suggest a "--" that npm would take.
    throw new UsageError(error.message.split(/\.\s/)[0]);
  }
}

function readValue(name, { type, default: otherwise }, given) {
  if (type === 'flag') return given ?? false;
  if (type === 'text' || given === undefined) return given ?? otherwise;
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new UsageError(`--${name} must be a whole number of at least 1; it is "${given}"`);
}

function usageOf({ name, summary, options }) {
  const lines = Object.entries(options).map(([option, { type, default: otherwise, value = 'N', help }]) => {
    const form = `--${option}${type === 'flag' ? '' : ` ${value}`}`;
    return `  ${form.padEnd(18)}${help}${otherwise === undefined ? '' : ` (${otherwise.toLocaleString('en')})`}`;
  });
  return [`npm run lab -- ${name} [options]: ${summary}`, ...lines].join('\n');
}
