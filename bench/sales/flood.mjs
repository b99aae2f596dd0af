import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineCpuMs, startWorker } from '@rondo/harness';
import { Status } from '@rondo/rpc/status';
import { figure, quantiles, show, table } from '../report/figures.mjs';

const CALL_MS = 5_000;
/** Each honest reader calls this often. */
const HONEST_EVERY_MS = 500;
/** Beside harmful readers the p99 may be this many times that beside a process that only computes. */
const MAX_RATIO = 2;

/**
 * Measures honest readers alone, beside readers that do harm, and beside processes that compute for as much processor time as
 * those had cost.
 */
export async function measureFlood(company, { clients, honest, seconds }) {
  const measure = async (beside) => ({ beside, ...(await readEvenly(readsOf(company), { honest, seconds })) });
  const alone = await measure('nothing');

  const harmful = startWorker(new URL('./hostile.mjs', import.meta.url));
  await harmful.ask('begin', { readers: clients, address: company.address });
  const flooded = await measure(`${clients} that do harm`);
  const done = await harmful.ask('done');
  await harmful.close();

  const share = Math.max(0, flooded.cores - alone.cores) / availableParallelism();
  const burners = Array.from({ length: availableParallelism() }, () =>
    startWorker(new URL('../report/burner.mjs', import.meta.url)),
  );
  for (const burner of burners) await burner.ask('begin', { share });
  const burnt = await measure('processes that compute');
  for (const burner of burners) await burner.close();

  show(`${honest} readers, each of which calls every ${HONEST_EVERY_MS} ms for ${seconds} s, ms; cores in use`);
  const rows = [alone, flooded, burnt].map(({ beside, times, failed, cores }) => {
    const { p50, p99, max } = quantiles(times);
    return [beside, times.length, failed, ...[p50, p99, max, cores].map(figure)];
  });
  show(table(['beside', 'calls', 'failed', 'p50', 'p99', 'max', 'cores'], rows));
  show(`how calls failed: ${JSON.stringify(flooded.codes)}`);
  show(`what those that do harm did: ${JSON.stringify(done)}`);
  const ratio = quantiles(flooded.times).p99 / quantiles(burnt.times).p99;
  show(`p99 beside them is ${figure(ratio)} times that beside computing; at most ${MAX_RATIO} is wanted`);
  return [alone, flooded, burnt].every(({ failed }) => failed === 0) && ratio <= MAX_RATIO;
}

/** What honest readers call in turn. */
const readsOf = ({ orders, quotes, customers, products }) => [
  (options) => orders.getOrder({ name: 'orders/o30' }, options),
  (options) => customers.listCustomers({}, options),
  (options) => quotes.getQuote({ name: 'quotes/q30' }, options),
  (options) => products.getProduct({ name: 'products/p7' }, options),
];

async function readEvenly(reads, { honest, seconds }) {
  const times = [];
  const codes = {};
  const fail = ({ code }) => {
    const name = Object.keys(Status).find((one) => Status[one] === code) ?? 'other';
    codes[name] = (codes[name] ?? 0) + 1;
  };
  const endsAt = performance.now() + seconds * 1_000;
  const reader = async (index) => {
    await sleep((HONEST_EVERY_MS * index) / honest);
    for (let call = index; performance.now() < endsAt; call += 1) {
      const pause = sleep(HONEST_EVERY_MS);
      const beganAt = performance.now();
      await reads[call % reads.length]({ timeoutMs: CALL_MS }).catch(fail);
      times.push(performance.now() - beganAt);
      await pause;
    }
  };
  const [beganAt, usedMs] = [performance.now(), machineCpuMs()];
  await Promise.all(Array.from({ length: honest }, (_, index) => reader(index)));
  const cores = (machineCpuMs() - usedMs) / (performance.now() - beganAt);
  return { times, codes, failed: Object.values(codes).reduce((sum, count) => sum + count, 0), cores };
}
