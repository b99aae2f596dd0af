/**
 * What the registry carries: one process as it is built, with the memory store, under load from two other processes.
 * Times are taken in the process that makes the changes and holds the watches. It ends by itself and takes along what it
 * started. Linux alone: what processes use is read from /proc.
 *
 * `npm run bench:registry -- --help` tells what it can be told.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { growth } from './registry/growth.mjs';
import { growthChart, growthReport, slowReport, steadyReport, stormReport } from './registry/report.mjs';
import { slow } from './registry/slow.mjs';
import { steady } from './registry/steady.mjs';
import { storm } from './registry/storm.mjs';

const USAGE = `npm run bench:registry -- [options]
  --part P,…        steady, storm, slow, growth: those alone (all)
  --quick           1,000 instances, 100 watchers, 10 s, without growth: whether it works, not how well
  --write           put tables and chart into docs/reference/registry-size.{md,svg}
  --instances N     how many instances (10,000)
  --services N      of how many services (200)
  --watchers N      how many watches (1,000)
  --connections N   over how many connections (500)
  --changes N       how many changes a second (20)
  --seconds N       how long it is measured (60)`;
const PARTS = ['steady', 'storm', 'slow', 'growth'];
const FULL = { instances: 10_000, services: 200, watchers: 1000, connections: 500, changes: 20, seconds: 60 };
const QUICK = { ...FULL, instances: 1000, watchers: 100, seconds: 10 };
const SIZES = [1000, 3000, 10_000];
const AUDIENCES = [100, 300, 1000];
const DOCS = new URL('../docs/reference/', import.meta.url);

const options = understand();
if (!existsSync('/proc/self/stat')) throw new Error('npm run bench:registry reads /proc: run it on Linux');
const folder = mkdtempSync(path.join(tmpdir(), 'rondo-bench-'));
const tables = {};
try {
  for (const part of options.parts) {
    show(`${part} …`);
    tables[part] = await run(part);
    show(`${tables[part]}\n`);
  }
  if (options.write) write();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function run(part) {
  const logFile = path.join(folder, `${part}.log`);
  const given = { ...options.load, logFile };
  switch (part) {
    case 'steady':
      return steadyReport(await steady({ ...given, warmupSeconds: 5 }));
    case 'storm':
      return stormReport(await storm({ ...given, warmupSeconds: 5 }));
    case 'slow':
      return slowReport(await slow({ ...given, seconds: Math.min(20, given.seconds) }));
    default:
      return growthOf(given);
  }
}

async function growthOf(given) {
  const seconds = Math.min(10, given.seconds);
  const report = ({ instances, watchers }) => show(`  ${instances} instances, ${watchers} watchers`);
  const cells = await growth({ ...given, seconds, sizes: SIZES, audiences: AUDIENCES }, report);
  if (options.write) writeFileSync(new URL('registry-size.svg', DOCS), growthChart(cells, given.services));
  return growthReport(cells, given.services);
}

/** Puts each table in place of the one between its marks. */
function write() {
  const file = new URL('registry-size.md', DOCS);
  let text = readFileSync(file, 'utf8');
  for (const [part, table] of Object.entries({ ...tables, machine: machine() })) {
    const marked = new RegExp(`(<!-- ${part} -->\n)[^]*?(<!-- /${part} -->)`);
    if (!marked.test(text)) throw new Error(`docs/reference/registry-size.md has no place for ${part}`);
    text = text.replace(marked, (_, begin, end) => `${begin}\n${table}\n\n${end}`);
  }
  writeFileSync(file, text);
}

function machine() {
  const processors = cpus();
  return `Node ${process.version} on ${processors.length} processors (${processors[0]?.model.trim()}), which the load shares.`;
}

/** Where there is nothing to run, the process ends. */
function understand() {
  try {
    const read = readOptions();
    if (read !== undefined) return read;
    show(USAGE);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`npm run bench:registry: ${error.message.split(/\.\s/)[0]}\n${USAGE}\n`);
    process.exit(2);
  }
}

/** @returns What was asked for; undefined where that was help. */
function readOptions() {
  const number = { type: 'string' };
  const { values } = parseArgs({
    options: {
      part: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      ...Object.fromEntries(Object.keys(FULL).map((name) => [name, number])),
    },
  });
  if (values.help) return undefined;
  const parts = values.part?.split(',') ?? (values.quick ? PARTS.slice(0, 3) : PARTS);
  const unknown = parts.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) throw new Error(`--part ${unknown}: there are ${PARTS.join(', ')}`);
  const load = { ...(values.quick ? QUICK : FULL) };
  for (const name of Object.keys(FULL)) {
    if (values[name] === undefined) continue;
    load[name] = Number(values[name]);
    if (!Number.isInteger(load[name]) || load[name] < 1) throw new Error(`--${name} must be a whole number from 1`);
  }
  return { parts, write: values.write, load };
}

function show(text) {
  process.stdout.write(`${text}\n`);
}
