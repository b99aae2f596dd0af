import { startPostgres } from '@rondo/harness/postgres';
import { compareReads } from './report/compare-reads.mjs';
import { figure, show } from './report/figures.mjs';
import { startCompany } from './sales/company.mjs';
import { measureFlood } from './sales/flood.mjs';
import { readsOf } from './sales/reads.mjs';

/** The p99 of the large company may be this many times that of the small one. */
const MAX_RATIO = 3;
const SMALL = 1_000;

/**
 * What a large database costs a reader of sales: each get and list of a company with 1,000 quotes and of one with 200,000 in
 * turn, over the real service; and what an honest reader notices of clients that list without pause.
 */
export const benchmark = {
  name: 'sales',
  summary: 'each get and list of sales with 200,000 quotes against 1,000, and beside a flood of lists',
  options: {
    rounds: { type: 'count', default: 5, help: 'how often each read is measured; its figures are the medians' },
    calls: { type: 'count', default: 100, help: 'how often it is called in a round, of each company' },
    quotes: { type: 'count', default: 200_000, help: 'how many quotes the large company has' },
    clients: { type: 'count', default: 30, help: 'how many clients list without pause' },
    seconds: { type: 'count', default: 10, help: 'how long they list' },
  },
  async run({ rounds, calls, quotes: large, clients, seconds }, { folder, onClose }) {
    const postgres = await startPostgres(folder, { settings: { fsync: false } });
    onClose(() => postgres.stop());
    const companies = [];
    for (const quotes of [SMALL, large]) {
      const beganAt = performance.now();
      companies.push(await startCompany(quotes, { postgres, folder, onClose }));
      show(`${figure(quotes)} quotes are there after ${figure((performance.now() - beganAt) / 1000)} s`);
    }
    const quick = await compareReads(companies.map(readsOf), { rounds, calls, maxRatio: MAX_RATIO });
    const unharmed = await measureFlood(companies[1], { clients, seconds });
    return quick && unharmed;
  },
};
