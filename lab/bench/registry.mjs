import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import path from 'node:path';
import { growth } from './registry/growth.mjs';
import { steady, storm } from './registry/parts.mjs';
import { growthChart, growthReport, steadyReport, stormReport } from './registry/report.mjs';
import { show } from './report/figures.mjs';

const FULL = { instances: 10_000, services: 200, watchers: 1000, connections: 500, changes: 20, seconds: 60 };
const QUICK = { ...FULL, instances: 1000, watchers: 100, seconds: 10 };
const SIZES = [1000, 3000, 10_000];
const AUDIENCES = [100, 300, 1000];
const DOCS = new URL('../../docs/reference/', import.meta.url);

/**
 * What one registry carries: a registry process with the memory store, under load from two worker processes. One of them
 * makes the changes and holds the watches, so that one clock measures both.
 */
export const benchmark = {
  name: 'registry',
  summary: 'what one registry carries; with --quick in two minutes',
  needs: 'Linux',
  options: {
    part: { type: 'text', value: 'P,…', help: 'only these of steady, storm, growth' },
    quick: {
      type: 'flag',
      help: '1,000 instances, 100 watchers, 10 s, without growth: whether it works, not how well',
    },
    write: { type: 'flag', help: 'put tables and chart into docs/reference/performance.md and registry-size.svg' },
  },
  check({ part }) {
    const unknown = part?.split(',').find((one) => !Object.hasOwn(PARTS, one));
    return unknown && `--part ${unknown}: there are ${Object.keys(PARTS).join(', ')}`;
  },
  async run({ part, quick, write }, { folder }) {
    const parts = part?.split(',') ?? (quick ? ['steady', 'storm'] : Object.keys(PARTS));
    const tables = {};
    for (const one of parts) {
      show(`${one} …`);
      const logFile = path.join(folder, `${one}.log`);
      tables[one] = await PARTS[one]({ ...(quick ? QUICK : FULL), logFile, write });
      show(`${tables[one]}\n`);
    }
    if (write) writeTables({ ...tables, machine: machine() });
  },
};

/** By name: what measures, and gives a table. */
const PARTS = {
  steady: async (given) => steadyReport(await steady(given)),
  storm: async (given) => stormReport(await storm(given)),
  growth: growthOf,
};

async function growthOf({ write, ...given }) {
  const seconds = Math.min(10, given.seconds);
  const report = ({ instances, watchers }) => show(`  ${instances} instances, ${watchers} watchers`);
  const cells = await growth({ ...given, seconds, sizes: SIZES, audiences: AUDIENCES }, report);
  if (write) writeFileSync(new URL('registry-size.svg', DOCS), growthChart(cells, given.services));
  return growthReport(cells, given.services);
}

/** Puts each table that the page has a place for between its marks. */
function writeTables(tables) {
  const file = new URL('performance.md', DOCS);
  let text = readFileSync(file, 'utf8');
  for (const [part, table] of Object.entries(tables)) {
    const marked = new RegExp(`(<!-- ${part} -->\n)[^]*?(<!-- /${part} -->)`);
    text = text.replace(marked, (_, begin, end) => `${begin}\n${table}\n\n${end}`);
  }
  writeFileSync(file, text);
}

function machine() {
  const processors = cpus();
  return `Node ${process.version} on ${processors.length} processors (${processors[0]?.model.trim()}), which the load shares.`;
}
