import { startPostgres } from '@rondo/harness/postgres';
import { compareReads } from './report/compare-reads.mjs';
import { figure, show } from './report/figures.mjs';
import { startCompany } from './sales/company.mjs';
import { measureFlood } from './sales/flood.mjs';
import { acceptancesOf, readsOf } from './sales/reads.mjs';

/** The p99 of the large company may be this many times that of the small one. */
const MAX_RATIO = 2;
const SMALL = 1_000;

/**
 * What a large database costs a caller of sales: each get and list, the first message of each watch, and AcceptQuote, of a company
 * with 1,000 quotes and orders and of one with 200,000 quotes and 1,000,000 orders in turn, over the real services; and what
 * honest readers notice of readers that do harm.
 */
export const benchmark = {
  name: 'sales',
  summary: 'calls of sales with 1,000,000 orders against 1,000, and next to readers that do harm',
  options: {
    rounds: { type: 'count', default: 5, help: 'how often each read is measured; its figures are the medians' },
    calls: { type: 'count', default: 100, help: 'how often it is called in a round, of each company' },
    quotes: { type: 'count', default: 200_000, help: 'how many quotes the large company has' },
    orders: { type: 'count', default: 1_000_000, help: 'how many orders the large company has' },
    seconds: { type: 'count', default: 15, help: 'how long readers that do harm read, three times' },
  },
  async run({ rounds, calls, quotes, orders, seconds }, { folder, onClose }) {
    const postgres = await startPostgres({ settings: { fsync: false } });
    onClose(() => postgres.stop());
    const accepted = (rounds + 1) * calls;
    const companies = [];
    for (const size of [
      { quotes: SMALL, orders: SMALL },
      { quotes, orders },
    ]) {
      const beganAt = performance.now();
      companies.push(await startCompany({ ...size, accepted }, { postgres, folder, onClose }));
      const seconds = (performance.now() - beganAt) / 1000;
      show(`${figure(size.quotes)} quotes and ${figure(size.orders)} orders are there after ${figure(seconds)} s`);
    }
    const options = { rounds, calls, maxRatio: MAX_RATIO };
    const accepts = await compareReads(companies.map(acceptancesOf), options);
    const reads = await compareReads(companies.map(readsOf), options);
    const unharmed = await measureFlood(companies[1], seconds);
    return accepts && reads && unharmed;
  },
};
