import { setTimeout as sleep } from 'node:timers/promises';
import { figure, quantiles, show, table } from '../report/figures.mjs';

const CALL_MS = 5_000;
const HONEST_EVERY_MS = 50;
/** A call of the flood that is refused comes again after this long, as a retry would. */
const REFUSED_MS = 100;

/** Measures an honest reader alone, and beside clients that list a rare state as fast as they can. */
export async function measureFlood({ customers, quotes }, { clients, seconds }) {
  const rows = [];
  let failed = 0;
  for (const flooding of [0, clients]) {
    const ending = new AbortController();
    const flood = { calls: 0, refused: 0 };
    const list = async () => {
      while (!ending.signal.aborted) {
        try {
          await quotes.listQuotes({ filter: 'state = ACCEPTING' }, { timeoutMs: CALL_MS });
          flood.calls += 1;
        } catch {
          flood.refused += 1;
          await sleep(REFUSED_MS);
        }
      }
    };
    const flooders = Array.from({ length: flooding }, list);
    const honest = await readEvenly(() => customers.listCustomers({}, { timeoutMs: CALL_MS }), seconds);
    ending.abort();
    await Promise.all(flooders);
    failed += honest.failed;
    const { p50, p99, max } = quantiles(honest.times);
    rows.push([
      flooding,
      honest.times.length,
      honest.failed,
      figure(p50),
      figure(p99),
      figure(max),
      flood.calls,
      flood.refused,
    ]);
  }
  show(`ListCustomers beside clients that list the quotes of a rare state for ${seconds} s, ms`);
  show(table(['clients', 'calls', 'failed', 'p50', 'p99', 'max', 'their lists', 'refused'], rows));
  return failed === 0;
}

async function readEvenly(read, seconds) {
  const times = [];
  const calls = [];
  let failed = 0;
  const until = performance.now() + seconds * 1_000;
  while (performance.now() < until) {
    const beganAt = performance.now();
    const end = () => times.push(performance.now() - beganAt);
    calls.push(
      read()
        .catch(() => (failed += 1))
        .finally(end),
    );
    await sleep(HONEST_EVERY_MS);
  }
  await Promise.all(calls);
  return { times, failed };
}
