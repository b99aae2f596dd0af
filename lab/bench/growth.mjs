import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureLoad, measurePart } from './growth/measure.mjs';
import { PARTS } from './growth/parts.mjs';
import { growthChart, growthReport } from './growth/report.mjs';
import { describeMachine } from './peers/machine.mjs';
import { show } from './report/figures.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ACCEPTED = 'docs/reference/benchmarks';
const QUICK = { rounds: 1, seconds: 0.3, warmSeconds: 0.2 };
const WARM_SECONDS = 1;
const NAMES = [...PARTS.map(({ name }) => name), 'load'];

/**
 * Calls a second and processor time a call as a system grows, through tunnels and as gRPC calls of their own, and how long
 * calls take from 10 to 120 % of what it carries. It writes a report, the raw data and charts.
 */
export const benchmark = {
  name: 'growth',
  summary: 'what a call costs as replicas, services, methods, clients, metadata and load grow',
  needs: 'Linux',
  options: {
    part: { type: 'text', value: 'P,…', help: `only these of ${NAMES.join(', ')}` },
    rounds: { type: 'count', default: 5, help: 'how often each size is measured' },
    seconds: { type: 'count', default: 2, help: 'how long each time' },
    quick: { type: 'flag', help: 'one short round: whether it works, not how well' },
    out: { type: 'text', value: 'FOLDER', default: '.rondo/bench/growth', help: 'where growth.md, .json and .svg go' },
    accept: { type: 'flag', help: `copy the last whole run of --out to ${ACCEPTED} instead` },
  },
  check({ part }) {
    const unknown = part?.split(',').find((one) => !NAMES.includes(one));
    return unknown && `--part ${unknown}: there are ${NAMES.join(', ')}`;
  },
  async run({ part, rounds, seconds, quick, out, accept }) {
    const folder = path.resolve(ROOT, out);
    if (accept) return acceptRun(folder);
    const pace = quick ? QUICK : { rounds, seconds, warmSeconds: WARM_SECONDS };
    const names = part?.split(',') ?? NAMES;
    const parts = {};
    for (const name of names) {
      show(`${name} …`);
      const grown = PARTS.find((one) => one.name === name);
      parts[name] = grown === undefined ? await measureLoad(pace) : await measurePart(grown, pace);
    }
    const settings = { rounds: pace.rounds, seconds: pace.seconds, whole: !quick && part === undefined };
    return write(folder, { measuredAt: new Date().toISOString(), machine: describeMachine(), settings, parts });
  },
};

/** Five figures are more than a measurement has. */
const rounded = (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value);

function write(folder, data) {
  const report = growthReport(data);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'growth.json'), `${JSON.stringify(data, rounded, 1)}\n`);
  writeFileSync(path.join(folder, 'growth.md'), report);
  writeFileSync(path.join(folder, 'growth.svg'), growthChart(data));
  show(`${report}\n${path.relative(ROOT, folder) || folder}: growth.md, growth.json, growth.svg`);
}

function acceptRun(folder) {
  const problem = unacceptable(folder);
  if (problem !== undefined) {
    process.stderr.write(`growth: ${problem}: \`npm run lab -- growth\` makes a run to accept\n`);
    return false;
  }
  return write(path.join(ROOT, ACCEPTED), read(folder));
}

const read = (folder) => JSON.parse(readFileSync(path.join(folder, 'growth.json'), 'utf8'));

function unacceptable(folder) {
  try {
    return read(folder).settings.whole ? undefined : 'the last run was quick or partial';
  } catch (error) {
    return error.message;
  }
}
