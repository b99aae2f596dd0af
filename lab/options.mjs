/** The command lines of `npm run lab -- NAME [options]`. */
import { parse, takenByNpm } from '@rondo/tool/workspace';

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
export function readOptions(args, { name, summary, options, check = () => undefined }) {
  const usage = `npm run lab -- ${name} --help`;
  try {
    const taken = takenByNpm(Object.keys(options), usage);
    if (taken !== undefined) throw new Error(taken);
    const typeOf = ({ type }) => ({ type: type === 'flag' ? 'boolean' : 'string' });
    const types = Object.fromEntries(Object.entries(options).map(([option, of]) => [option, typeOf(of)]));
    const given = parse({ args, options: { ...types, help: { type: 'boolean' } } }, usage).values;
    if (given.help) {
      process.stdout.write(`${usageOf({ name, summary, options })}\n`);
      return 0;
    }
    const values = Object.entries(options).map(([option, of]) => [option, readValue(option, of, given[option])]);
    const read = Object.fromEntries(values);
    const wrong = check(read);
    if (wrong !== undefined) throw new Error(wrong);
    return read;
  } catch (error) {
    process.stderr.write(`npm run lab: ${error.message}\n`);
    return 2;
  }
}

function readValue(name, { type, default: otherwise }, given) {
  if (type === 'flag') return given ?? false;
  if (type === 'text' || given === undefined) return given ?? otherwise;
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`--${name} must be a whole number of at least 1; it is "${given}"`);
}

function usageOf({ name, summary, options }) {
  const lines = Object.entries(options).map(([option, { type, default: otherwise, value = 'N', help }]) => {
    const form = `--${option}${type === 'flag' ? '' : ` ${value}`}`;
    return `  ${form.padEnd(18)}${help}${otherwise === undefined ? '' : ` (${otherwise.toLocaleString('en')})`}`;
  });
  return [`npm run lab -- ${name} [options]: ${summary}`, ...lines].join('\n');
}
