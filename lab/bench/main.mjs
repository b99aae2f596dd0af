/**
 * Runs a benchmark: `npm run lab -- startup --rounds 3`. Without a name it lists them.
 *
 * A benchmark is a file of this folder that exports `benchmark`. `npm run lab` builds first, because benchmarks import built files.
 *
 * @typedef {object} Benchmark
 * @property {string} name That of its file.
 * @property {string} summary One line for the list.
 * @property {string} [needs] What must be there besides Node: `pgbench`, or `Linux` for what reads /proc.
 * @property {Record<string, Option>} options By name, without the dashes.
 * @property {(options: object) => string | undefined} [check] What is wrong with the options' values, if anything.
 * @property {(options: object, setting: Setting) => Promise<boolean | void>} run False if a bound is missed.
 *
 * @typedef {object} Option
 * @property {'count' | 'flag' | 'text'} type A count is a whole number of at least 1.
 * @property {number | string} [default] Without one, an option that isn't given is undefined.
 * @property {string} [value] The placeholder of the value in the usage text.
 * @property {string} help
 *
 * @typedef {object} Setting
 * @property {string} folder A temporary folder.
 * @property {(close: () => unknown) => void} onClose Registers a function to call at the end of the run, in reverse order.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { exitOnSignals } from '@rondo/harness';
import { takenByNpm } from '@rondo/tool/workspace';

const NAMES = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.mjs') && file !== 'main.mjs')
  .map((file) => path.basename(file, '.mjs'))
  .sort();

async function main([name, ...args]) {
  if (name === undefined || name === '--help') return show(await list());
  if (!NAMES.includes(name)) return refuse(`there is no benchmark "${name}"; there are ${NAMES.join(', ')}`);
  const benchmark = await load(name);
  const usage = usageOf(benchmark);
  try {
    const values = understand(args, benchmark);
    return values === undefined ? show(usage) : await run(benchmark, values);
  } catch (error) {
    if (error instanceof UsageError) return refuse(`${error.message}\n${usage}`);
    throw error;
  }
}

const load = async (name) => (await import(`./${name}.mjs`)).benchmark;

async function list() {
  const lines = [];
  for (const name of NAMES) {
    const { summary, needs } = await load(name);
    lines.push(`  ${name.padEnd(13)}${summary}${needs === undefined ? '' : ` (needs ${needs})`}`);
  }
  return lines.join('\n');
}

async function run(benchmark, values) {
  if (benchmark.needs === 'Linux' && !existsSync('/proc/self/schedstat')) {
    return refuse(`${benchmark.name} reads /proc: run it on Linux`);
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-bench-'));
  const closing = [];
  try {
    show(`${benchmark.name}: ${availableParallelism()} cores, Node ${process.version}`);
    const holds = await benchmark.run(values, { folder, onClose: (close) => closing.push(close) });
    return holds === false ? 1 : 0;
  } finally {
    for (const close of closing.reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class UsageError extends Error {}

/** The values of the options; undefined if help is asked for. */
function understand(args, { options, check = () => undefined }) {
  const taken = takenByNpm(Object.keys(options), 'npm run lab -- NAME [options]');
  if (taken !== undefined) throw new UsageError(taken);
  const types = Object.entries(options).map(([name, { type }]) => [
    name,
    { type: type === 'flag' ? 'boolean' : 'string' },
  ]);
  const given = parse(args, { ...Object.fromEntries(types), help: { type: 'boolean' } });
  if (given.help) return undefined;
  const values = Object.entries(options).map(([name, option]) => [name, readValue(name, option, given[name])]);
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
  if (Number.isInteger(value) && value >= 1) return value;
  throw new UsageError(`--${name} must be a whole number of at least 1; it is "${given}"`);
}

function usageOf({ name, summary, options }) {
  const lines = Object.entries(options).map(([option, { type, default: otherwise, value = 'N', help }]) => {
    const form = `--${option}${type === 'flag' ? '' : ` ${value}`}`;
    return `  ${form.padEnd(18)}${help}${otherwise === undefined ? '' : ` (${otherwise.toLocaleString('en')})`}`;
  });
  return [`npm run lab -- ${name} [options]: ${summary}`, ...lines].join('\n');
}

function refuse(reason) {
  process.stderr.write(`npm run lab: ${reason}\n`);
  return 2;
}

function show(text) {
  process.stdout.write(`${text}\n`);
  return 0;
}

exitOnSignals();
process.exitCode = await main(process.argv.slice(2));
