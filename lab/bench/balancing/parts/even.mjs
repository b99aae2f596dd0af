import { setTimeout as sleep } from 'node:timers/promises';
import { CHI_SQUARED_OF_THREE, chiSquared, countsOf, row, unevenness } from '../statistics.mjs';

const THREE = ['a', 'b', 'c'];
const PROCESSES = 4;
const CLIENTS_EACH = 25;
/** Not a multiple of three, so that it matters with which replica each client begins. */
const CALLS_EACH = 10;

/** `round_robin`, of one client and over many clients. */
export const roundRobin = {
  name: 'round-robin',
  about: 'nine calls over three replicas, and many clients started at different times',
  control: 'random; clients that all begin with the same one',
  async run(testbed, { control }) {
    await testbed.replicas(THREE);
    const balancing = control ? 'random' : 'round_robin';
    const one = await testbed.client({ knows: 3, balancing });
    const nines = [];
    for (let times = 0; times < 10; times += 1) {
      nines.push(countsOf(await one.sequence({ count: 9 }), THREE).join('/'));
    }
    const counts = await severalClients(testbed, control);
    const different = nines.filter((nine) => nine !== '3/3/3');
    return [
      row('nine calls, ten times', {
        measured: different.length === 0 ? '3/3/3' : `${different.length} others, ${different[0]}`,
        bound: '3/3/3',
        holds: different.length === 0,
      }),
      row(`${PROCESSES * CLIENTS_EACH} clients of ${CALLS_EACH} calls, over all`, {
        measured: `${counts.join('/')}, ± ${(100 * unevenness(counts)).toFixed(1)} %`,
        bound: '± 5 %',
        holds: unevenness(counts) <= 0.05,
      }),
    ];
  },
};

/** The calls of each replica by many clients. Naive clients all begin with the first replica. */
async function severalClients(testbed, naive) {
  const calls = [];
  for (let started = 0; started < PROCESSES; started += 1) {
    const client = await testbed.client({ knows: 3, count: CLIENTS_EACH, naive });
    calls.push(...(await client.sequence({ count: CALLS_EACH })));
    await client.close();
    await sleep(137 * started);
  }
  return countsOf(calls, THREE);
}

/** `random`. */
export const random = {
  name: 'random',
  about: '3,000 calls over three replicas',
  control: 'round robin',
  async run(testbed, { control }) {
    await testbed.replicas(THREE);
    const client = await testbed.client({ knows: 3, balancing: control ? 'round_robin' : 'random' });
    const counts = countsOf(await client.sequence({ count: 3000 }), THREE);
    const squared = chiSquared(counts);
    return [
      row('χ² of 3,000 calls', {
        measured: `${squared.toFixed(2)} (${counts.join('/')})`,
        bound: `< ${CHI_SQUARED_OF_THREE} (p = 0.001)`,
        holds: squared < CHI_SQUARED_OF_THREE,
        guarded: false,
      }),
      row('random, and not in turn', {
        measured: counts.join('/'),
        bound: 'not 1000/1000/1000',
        holds: counts.some((count) => count !== 1000),
      }),
    ];
  },
};
