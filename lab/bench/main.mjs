/**
 * Runs a benchmark: `npm run lab -- startup --rounds 3`. Without a name it lists them.
 *
 * A benchmark is a file of this folder that exports `benchmark`. `npm run lab` builds first, because benchmarks import built files.
 *
 * @typedef {object} Benchmark
 * @property {string} name That of its file.
 * @property {string} summary One line for the list.
 * @property {string} [needs] What must be there besides Node: `pgbench`, or `Linux` for what reads /proc.
 * @property {Record<string, import('../options.mjs').Option>} options By name, without the dashes.
 * @property {(options: object) => string | undefined} [check] What is wrong with the options' values, if anything.
 * @property {(options: object, setting: Setting) => Promise<boolean | void>} run False if a bound is missed.
 *
 * @typedef {object} Setting
 * @property {string} folder A temporary folder.
 * @property {(close: () => unknown) => void} onClose Registers a function to call at the end of the run, in reverse order.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { exitOnSignals } from '@rondo/harness';
import { readOptions } from '../options.mjs';

const NAMES = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.mjs') && file !== 'main.mjs')
  .map((file) => path.basename(file, '.mjs'))
  .sort();

async function main([name, ...args]) {
  if (name === undefined || name === '--help') return show(await list());
  if (!NAMES.includes(name)) return refuse(`there is no benchmark "${name}"; there are ${NAMES.join(', ')}`);
  const benchmark = await load(name);
  const values = readOptions(args, benchmark);
  return typeof values === 'number' ? values : await run(benchmark, values);
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
