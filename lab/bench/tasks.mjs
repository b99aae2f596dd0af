import { startPostgres } from '@rondo/harness/postgres';
import { compareReads } from './report/compare-reads.mjs';
import { figure, show } from './report/figures.mjs';
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
    const reads = [];
    for (const company of companies) reads.push(await readsOf(company));
    return await compareReads(reads, { rounds, calls, maxRatio: MAX_RATIO });
  },
};
