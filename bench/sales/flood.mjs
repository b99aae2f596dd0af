import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { machineCpuMs, startWorker } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { figure, quantiles, show, table } from '../report/figures.mjs';

const CALL_MS = 5_000;
/** Each honest reader calls this often. */
const HONEST_EVERY_MS = 500;
/** Beside harmful readers the p99 may be this many times that beside a process that only computes. */
const MAX_RATIO = 2;

/**
 * Measures honest readers alone, beside readers that do harm, and beside processes that compute for as much processor time as
 * those had cost. Each reader, honest or not, has a connection of its own.
 */
export async function measureFlood({ address }, { clients, honest, seconds }) {
  const channels = Array.from({ length: honest }, () => createChannel({ resolver: staticResolver([address]) }));
  const readers = channels.map(readsOver);
  const measure = async (beside) => ({ beside, ...(await readEvenly(readers, seconds)) });
  const alone = await measure('nothing');

  const harmful = startWorker(new URL('./hostile.mjs', import.meta.url));
  await harmful.ask('begin', { readers: clients, address });
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
  for (const channel of channels) channel.close();

  show(`${honest} readers, each of which calls every ${HONEST_EVERY_MS} ms for ${seconds} s, ms; cores in use`);
  const rows = [alone, flooded, burnt].map(({ beside, times, failed, cores }) => {
    const { p50, p99, max } = quantiles(times);
    return [beside, times.length, failed, ...[p50, p99, max, cores].map(figure)];
  });
  show(table(['beside', 'calls', 'failed', 'p50', 'p99', 'max', 'cores'], rows));
  show(`how calls failed: ${JSON.stringify(flooded.faults)}`);
  show(`what those that do harm did: ${JSON.stringify(done)}`);
  const ratio = quantiles(flooded.times).p99 / quantiles(burnt.times).p99;
  show(`p99 beside them is ${figure(ratio)} times that beside computing; at most ${MAX_RATIO} is wanted`);
  return [alone, flooded, burnt].every(({ failed }) => failed === 0) && ratio <= MAX_RATIO;
}

/** What an honest reader calls in turn. */
function readsOver(channel) {
  const orders = createClient(OrderServiceDefinition, { channel });
  const customers = createClient(CustomerServiceDefinition, { channel });
  const quotes = createClient(QuoteServiceDefinition, { channel });
  const products = createClient(ProductServiceDefinition, { channel });
  return [
    (options) => orders.getOrder({ name: 'orders/o30' }, options),
    (options) => customers.listCustomers({}, options),
    (options) => quotes.getQuote({ name: 'quotes/q30' }, options),
    (options) => products.getProduct({ name: 'products/p7' }, options),
  ];
}

async function readEvenly(readers, seconds) {
  const times = [];
  const faults = {};
  const fail = ({ code, message }) => {
    const name = Object.keys(Status).find((one) => Status[one] === code) ?? 'other';
    const fault = `${name}: ${message}`;
    faults[fault] = (faults[fault] ?? 0) + 1;
  };
  const endsAt = performance.now() + seconds * 1_000;
  const read = async (calls, index) => {
    await sleep((HONEST_EVERY_MS * index) / readers.length);
    for (let count = index; performance.now() < endsAt; count += 1) {
      const pause = sleep(HONEST_EVERY_MS);
      const beganAt = performance.now();
      await calls[count % calls.length]({ timeoutMs: CALL_MS }).catch(fail);
      times.push(performance.now() - beganAt);
      await pause;
    }
  };
  const [beganAt, usedMs] = [performance.now(), machineCpuMs()];
  await Promise.all(readers.map(read));
  const cores = (machineCpuMs() - usedMs) / (performance.now() - beganAt);
  return { times, faults, failed: Object.values(faults).reduce((sum, count) => sum + count, 0), cores };
}
