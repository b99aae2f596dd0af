/**
 * What a large database costs a reader: each get and list of project-management, asked of a company with 1,000 tasks and of
 * one with 1,000,000 in turn, over the real service. Prints the times of both and the ratio of their 99th percentiles, and
 * fails where one is above 3. It ends by itself and takes along what it started.
 *
 * `npm run bench:tasks -- --help` tells what it can be told.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '@rondo/database/embedded';
import { freePort } from './registry/registry-process.mjs';
import { quantiles } from './report/quantiles.mjs';
import { figure, table } from './report/table.mjs';
import { startCompany } from './tasks/company.mjs';
import { readsOf } from './tasks/reads.mjs';

const USAGE = `npm run bench:tasks -- [options]
  --rounds N  how often each read is measured: 5; its figures are the medians of its rounds
  --calls N   how often it is called in a round, by each company: 200
  --tasks N   how many tasks the large company has: 1000000`;
const values = understand();
const rounds = Number(values.rounds);
const calls = Number(values.calls);
const MOST = 3;
const SMALL = 1_000;

const folder = mkdtempSync(path.join(tmpdir(), 'rondo-bench-'));
chmodSync(folder, 0o755); // as root the database is another user's
const started = [];
try {
  const directory = path.join(folder, 'postgres');
  const postgres = await startEmbeddedPostgres({ directory, port: await freePort(), settings: { fsync: false } });
  started.push(postgres);
  const companies = [];
  for (const tasks of [SMALL, Number(values.tasks)]) {
    const beganAt = performance.now();
    const company = await startCompany({ postgres, tasks, folder });
    started.push(company);
    companies.push(company);
    show(`${figure(tasks)} tasks are there after ${figure((performance.now() - beganAt) / 1000)} s`);
  }
  process.exitCode = (await compare(companies)) ? 0 : 1;
} finally {
  for (const { stop } of started.reverse()) await stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Whether every read is quick enough. */
async function compare(companies) {
  const reads = [];
  for (const company of companies) reads.push(await readsOf(company));
  const rows = [];
  const slow = [];
  for (const name of reads[0].keys()) {
    const both = reads.map((of) => of.get(name));
    await measure(both);
    const measured = [];
    for (let round = 0; round < rounds; round += 1) measured.push(await measure(both));
    const figures = both.flatMap((_, index) => [
      median(measured.map((round) => round[index].p50)),
      median(measured.map((round) => round[index].p99)),
    ]);
    const ratio = median(measured.map(([small, large]) => large.p99 / small.p99));
    if (!(ratio <= MOST)) slow.push(name);
    rows.push([name, ...figures.map(figure), figure(ratio)]);
  }
  show(`${rounds} rounds of ${calls} calls, ms; ${availableParallelism()} cores, Node ${process.version}`);
  show(table(['read', 'small p50', 'p99', 'large p50', 'p99', 'p99 ratio'], rows));
  show(slow.length === 0 ? `no p99 is above ${MOST} times that of the small one` : `too slow: ${slow.join('; ')}`);
  return slow.length === 0;
}

/** Calls all of them in turn; who begins changes. */
async function measure(reads) {
  const times = reads.map(() => []);
  for (let call = 0; call < calls; call += 1) {
    for (let turn = 0; turn < reads.length; turn += 1) {
      const index = (call + turn) % reads.length;
      const beganAt = performance.now();
      await reads[index]();
      times[index].push(performance.now() - beganAt);
    }
  }
  return times.map(quantiles);
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function show(text) {
  process.stdout.write(`${text}\n`);
}

function understand() {
  try {
    const { values: understood } = parseArgs({
      options: {
        rounds: { type: 'string', default: '5' },
        calls: { type: 'string', default: '200' },
        tasks: { type: 'string', default: '1000000' },
        help: { type: 'boolean', default: false },
      },
    });
    if (!understood.help) return understood;
    process.stdout.write(`${USAGE}\n`);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`npm run bench:tasks: ${error.message.split(/\.\s/)[0]}\n${USAGE}\n`);
    process.exit(2);
  }
}
