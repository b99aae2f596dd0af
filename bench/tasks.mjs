import { startPostgres } from '@rondo/harness/postgres';
import { figure, median, quantiles, show, table } from './report/figures.mjs';
import { startCompany } from './tasks/company.mjs';
import { readsOf } from './tasks/reads.mjs';

/** The p99 of the large company may be this many times that of the small one. */
const MAX_RATIO = 3;
const SMALL = 1_000;

/**
 * What a large database costs a reader: each get and list of project-management, of a company with 1,000 tasks and of one
 * with 1,000,000 in turn, over the real service.
 */
export const benchmark = {
  name: 'tasks',
  summary: 'each get and list of a database with a million tasks against one with a thousand',
  options: {
    rounds: { type: 'count', default: 5, help: 'how often each read is measured; its figures are the medians' },
    calls: { type: 'count', default: 200, help: 'how often it is called in a round, of each company' },
    tasks: { type: 'count', default: 1_000_000, help: 'how many tasks the large company has' },
  },
  async run({ rounds, calls, tasks: large }, { folder, onClose }) {
    const postgres = await startPostgres(folder, { settings: { fsync: false } });
    onClose(() => postgres.stop());
    const companies = [];
    for (const tasks of [SMALL, large]) {
      const beganAt = performance.now();
      companies.push(await startCompany(tasks, { postgres, folder, onClose }));
      show(`${figure(tasks)} tasks are there after ${figure((performance.now() - beganAt) / 1000)} s`);
    }
    return await compare(companies, { rounds, calls });
  },
};

/** Whether every read is quick enough. */
async function compare(companies, { rounds, calls }) {
  const reads = [];
  for (const company of companies) reads.push(await readsOf(company));
  const rows = [];
  const slow = [];
  for (const name of reads[0].keys()) {
    const both = reads.map((of) => of.get(name));
    await measure(both, calls);
    const measured = [];
    for (let round = 0; round < rounds; round += 1) measured.push(await measure(both, calls));
    const figures = both.flatMap((_, index) => [
      median(measured.map((round) => round[index].p50)),
      median(measured.map((round) => round[index].p99)),
    ]);
    const ratio = median(measured.map(([small, large]) => large.p99 / small.p99));
    if (!(ratio <= MAX_RATIO)) slow.push(name);
    rows.push([name, ...figures.map(figure), figure(ratio)]);
  }
  show(`${rounds} rounds of ${calls} calls, ms`);
  show(table(['read', 'small p50', 'p99', 'large p50', 'p99', 'p99 ratio'], rows));
  show(slow.length === 0 ? `no p99 is above ${MAX_RATIO} times that of the small one` : `too slow: ${slow.join('; ')}`);
  return slow.length === 0;
}

/** Calls all of them in turn; each call begins with another one. */
async function measure(reads, calls) {
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
