import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { peersChart } from './peers/chart.mjs';
import { BASE, CONTENDERS } from './peers/contenders.mjs';
import { installPeers } from './peers/install.mjs';
import { measurePeers } from './peers/measure.mjs';
import { peersReport, withSummaries } from './peers/report.mjs';
import { WORKLOADS } from './peers/workloads.mjs';
import { show } from './report/figures.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ACCEPTED = 'docs/reference/benchmarks';
const LAST = '.rondo/bench/peers';
/** Nothing is repeated, so that it takes under three minutes on a busy machine, too. */
const QUICK = { rounds: 3, seconds: 0.15, warmSeconds: 0.1, repeats: 0 };
const WARM_SECONDS = 1;
/** How often a disturbed turn is taken again. */
const REPEATS = 3;

/**
 * Rondo compared with other frameworks and the libraries below them: one contract, servers and clients in processes of their own, rounds
 * in which every contender has its turn. Ratios to plain grpc-js count. It writes a report, the raw data and a chart.
 */
export const benchmark = {
  name: 'peers',
  summary: 'Rondo compared with plain grpc-js, nice-grpc, connect-node, NestJS, Moleculer, tRPC, dubbo-js',
  needs: 'Linux',
  options: {
    only: { type: 'text', value: 'NAMES', help: `only these contenders, and ${BASE}, comma-separated` },
    workload: { type: 'text', value: 'NAMES', help: 'only these workloads, comma-separated' },
    rounds: { type: 'count', default: 9, help: 'how often each contender has its turn' },
    seconds: { type: 'count', default: 2, help: 'how long a turn takes' },
    quick: { type: 'flag', help: 'short turns, few rounds: whether it works, not how well' },
    accept: { type: 'flag', help: `copy the last whole run to ${ACCEPTED} instead` },
  },
  check: ({ only, workload }) => unknownName('only', only, CONTENDERS) ?? unknownName('workload', workload, WORKLOADS),
  async run({ only, workload, rounds, seconds, quick, accept }, { onClose }) {
    if (accept) return acceptRun();
    const problem = await installPeers();
    if (problem !== undefined) return refuse(problem);
    const data = await measurePeers({
      contenders: CONTENDERS.filter(({ name }) => name === BASE || isNamed(only, name)),
      workloads: WORKLOADS.filter(({ name }) => isNamed(workload, name)),
      pace: quick ? QUICK : { rounds, seconds, warmSeconds: WARM_SECONDS, repeats: REPEATS },
      onClose,
    });
    data.settings.whole = !quick && only === undefined && workload === undefined;
    write(LAST, data);
    return data.failures === 0;
  },
};

const isNamed = (list, name) => list === undefined || list.split(',').includes(name);

/** What is wrong with a list of names; undefined if nothing is. */
function unknownName(option, list, known) {
  const names = known.map(({ name }) => name);
  const unknown = list?.split(',').find((name) => !names.includes(name));
  return unknown === undefined ? undefined : `--${option}: there is no "${unknown}"; there are ${names.join(', ')}`;
}

/** Five figures are more than a measurement has. */
const rounded = (_, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value);

function write(to, data) {
  const folder = path.join(ROOT, to);
  const summed = withSummaries(data);
  const report = peersReport(summed);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'peers.json'), `${JSON.stringify(data, rounded, 1)}\n`);
  writeFileSync(path.join(folder, 'peers.svg'), peersChart(summed));
  show(`${report}\n${to}: peers.json, peers.svg`);
}

function acceptRun() {
  let data;
  try {
    data = JSON.parse(readFileSync(path.join(ROOT, LAST, 'peers.json'), 'utf8'));
  } catch (error) {
    return refuse(`there is no run to accept: ${error.message}; \`npm run lab -- peers\` makes one`);
  }
  const problem = unacceptable(data);
  if (problem !== undefined) return refuse(problem);
  write(ACCEPTED, data);
  return true;
}

/** Why a run can't be the accepted one; undefined if it can. */
function unacceptable({ settings, failures }) {
  if (!settings.whole) return 'the last run was quick or partial: run all without --quick, --only and --workload first';
  if (failures > 0) return `${failures} contenders failed in the last run: their errors are in peers.json`;
  return undefined;
}

function refuse(reason) {
  process.stderr.write(`peers: ${reason}\n`);
  return false;
}
